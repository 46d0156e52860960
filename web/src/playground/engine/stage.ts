// The module in its host, over a world, and what a slot does when an instance ends: it answers the calls
// that were under way, waits, loads another one, and offers the unanswered events again.

import wasm from "driver.wasm";

import init, { RhombusDriver as Glue } from "../../../../pkg/rhombus_driver.js";
import type { CallError, DoorEventError, Header, Host, RhombusDriver } from "../../../../pkg/index.js";
import * as realm from "./realm";
import type { World } from "./world";

// The glue's own types say less than those that are written by hand.
const Driver = Glue as unknown as typeof RhombusDriver;

/** Fetches and compiles the module, once. */
export const ready: Promise<unknown> = init({ module_or_path: new URL(wasm, import.meta.url) });

/** What is asked of the module. */
export type Call =
  | { kind: "request"; method: string; headers: Header[]; body: Uint8Array; caller?: string }
  | { kind: "event"; event: string; id?: string }
  | { kind: "function"; name: string; arguments: string }
  | { kind: "update"; settings: string };

/** What it answers. An event's is `accepted`, `known`, `unsaved`, or `rejected: ` and the reason. */
export type Outcome =
  | { kind: "response"; status: number; headers: Header[]; body: string }
  | { kind: "event" | "function"; told: string }
  | { kind: "updated" };

/** How long a slot waits before it loads another instance, in milliseconds. */
const PAUSE = 1000;

const TRAPPED: [number, string] = [500, "the module failed; what became of the request is not known"];
const DOWN: [number, string] = [503, "the module is not running now; repeat the request later"];

export class Stage {
  #world: World;
  #settings = "";
  #instance: Instance | undefined;
  #pending = new Map<number, Call>();
  #outcomes = new Map<number, Outcome>();
  #begun = 0;
  /** While no instance is up: when the next one is loaded, in the world's milliseconds. */
  #nextAt: number | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** Loads the module; one that is there is killed first. Rejects with why it does not load. */
  async load(settings: string): Promise<void> {
    this.#kill();
    this.#pending.clear();
    this.#nextAt = undefined;
    this.#settings = settings;
    this.#instance = await this.#loadInstance();
  }

  /** Begins a call, and answers its number. One that is given no time ends the instance. */
  begin(call: Call, withoutTime = false): number {
    const number = ++this.#begun;
    if (call.kind === "update") this.#settings = call.settings;
    // Named here, so that it has the same name when it is offered again.
    const named = call.kind === "event" && call.id === undefined ? { ...call, id: this.#newId() } : call;
    this.#pending.set(number, named);
    if (this.#instance === undefined) this.#answerWithout(DOWN);
    else if (withoutTime) this.#trap();
    else this.#instance.begin(number, named);
    return number;
  }

  /** Resolves when nothing goes on any more but what waits for time to pass. */
  async settle(): Promise<void> {
    if (this.#nextAt !== undefined && this.#nextAt <= this.#world.clock.elapsed) {
      this.#nextAt = undefined;
      this.#instance = await this.#loadInstance().catch(() => undefined);
      for (const [number, call] of this.#pending) this.#instance?.begin(number, call);
    }
    await realm.turn();
  }

  /** What a call has come to, if it has. */
  outcome(number: number): Outcome | undefined {
    return this.#outcomes.get(number);
  }

  #trap(): void {
    this.#kill();
    this.#nextAt = this.#world.clock.elapsed + PAUSE;
    // So that time does not pass the moment by.
    this.#world.clock.set(() => {}, PAUSE);
    this.#answerWithout(TRAPPED);
  }

  #kill(): void {
    this.#instance?.kill();
    this.#instance = undefined;
  }

  async #loadInstance(): Promise<Instance> {
    const ended = (number: number, outcome: Outcome) => {
      this.#pending.delete(number);
      this.#outcomes.set(number, outcome);
    };
    return Instance.load(this.#world, this.#settings, ended);
  }

  /** Requests are answered, events wait for the next instance. */
  #answerWithout([status, error]: [number, string]): void {
    for (const [number, call] of this.#pending) {
      if (call.kind === "event") continue;
      this.#pending.delete(number);
      if (call.kind === "update") this.#outcomes.set(number, { kind: "updated" });
      else if (call.kind === "function") this.#outcomes.set(number, { kind: "function", told: "failed" });
      else {
        this.#outcomes.set(number, {
          kind: "response",
          status: call.method === "PUT" ? 403 : status,
          headers: [["Content-Type", "application/json"]],
          body: JSON.stringify({ error }),
        });
      }
    }
  }

  #newId(): string {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return `evt_${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  }
}

type Ended = (number: number, outcome: Outcome) => void;

/** An object of the class. Once killed it reaches nothing any more. */
class Instance {
  #driver: RhombusDriver;
  #life: { isAlive: boolean };
  #ended: Ended;

  private constructor(driver: RhombusDriver, life: { isAlive: boolean }, ended: Ended) {
    this.#driver = driver;
    this.#life = life;
    this.#ended = ended;
  }

  static async load(world: World, settings: string, ended: Ended): Promise<Instance> {
    await ready;
    // The one before comes to rest, and sets its last timers, which never fire.
    await realm.turn();
    realm.open();
    const life = { isAlive: true };
    const driver = await Driver.load(host(world, life), settings);
    void driver.run();
    return new Instance(driver, life, ended);
  }

  begin(number: number, call: Call): void {
    void answer(this.#driver, call).then((outcome) => {
      if (this.#life.isAlive) this.#ended(number, outcome);
    });
  }

  kill(): void {
    this.#life.isAlive = false;
    realm.close();
  }
}

function host(world: World, life: { isAlive: boolean }): Host {
  /** Asks the world, if the instance is alive; and answers, if it still is when there is an answer. */
  const ask = async <T>(asked: () => Promise<T>): Promise<T> => {
    const never = new Promise<never>(() => {});
    if (!life.isAlive) return never;
    try {
      const answer = await asked();
      return life.isAlive ? answer : never;
    } catch (error) {
      if (life.isAlive) throw error;
      return never;
    }
  };
  return {
    storage: {
      get: (key) => ask(async () => world.get(key)),
      scan: (prefix, after, limit) => ask(async () => world.scan(prefix, after, limit)),
      commit: (changes) => ask(() => world.commit(changes)),
    },
    http: {
      post: (request) => ask(() => world.post(request)),
      check: (url) => ask(() => world.check(url)),
    },
    doors: {
      systems: () => ask(() => world.systemNames()),
      list: (system) => ask(() => world.doors(system)),
      unlock: (system, door, caller) => ask(() => world.unlock(system, door, caller)),
    },
    status: {
      set: (key, json) => {
        if (life.isAlive) world.status.set(key, json);
      },
    },
    settings: { save: (name, json) => ask(async () => world.save(name, json)) },
    log: () => {},
  };
}

async function answer(driver: RhombusDriver, call: Call): Promise<Outcome> {
  switch (call.kind) {
    case "request": {
      const { method, headers, body, caller } = call;
      const [status, answered, text] = await driver.request(method, headers, body, caller);
      return { kind: "response", status, headers: answered, body: text };
    }
    case "event": {
      const told = driver.on_door_event(call.event, call.id).catch(refusal);
      return { kind: "event", told: await told };
    }
    case "function": {
      const told = driver.call(call.name, call.arguments).catch(callError);
      return { kind: "function", told: await told };
    }
    case "update":
      await driver.update(call.settings);
      return { kind: "updated" };
  }
}

/** A `DoorEventError` as fixtures write it. */
function refusal(error: DoorEventError): string {
  return error.kind === "rejected" ? `rejected: ${error.reason}` : error.kind;
}

/** A `CallError` as fixtures write it. */
function callError(error: CallError): string {
  return error.kind === "unknown" ? error.kind : `${error.kind}: ${error.message}`;
}
