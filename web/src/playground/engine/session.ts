// The building that is played with: one module in one world, whose time runs as fast as is wanted.

import type { Header } from "../../../../pkg/index.js";
import { SYSTEMS } from "../building";
import type { Receiver } from "./fixture";
import { HEALTHY } from "../moods";
import * as realm from "./realm";
import { Stage, type Call, type Outcome } from "./stage";
import { World, type Attempt } from "./world";

/** What the page shows of the session. Times are in milliseconds since 1970. */
export interface Snapshot {
  now: number;
  /** Virtual seconds a second; 0 while time stands still. */
  speed: number;
  /** The store, in the order of its keys; values are JSON text. */
  records: (readonly [key: string, json: string])[];
  /** The status keys; values are JSON text. */
  status: Record<string, string>;
  /** The latest POSTs, oldest first. */
  attempts: Attempt[];
  /** When subscribers were paused, oldest first. */
  pauses: Pause[];
}

/** A time in which a subscriber was paused; without an end it still is. */
export interface Pause {
  readonly subscription: string;
  readonly since: number;
  until?: number;
}

/** An answer to a request, and when it was given. */
export interface Answered {
  at: number;
  status: number;
  headers: Header[];
  body: string;
}

/** When a session begins: a working day's morning, in milliseconds since 1970. */
const BEGINNING = Date.UTC(2026, 5, 1, 8);

/** `receiver.example` cannot exist (RFC 2606); the others are those that the driver permits by itself. */
const SETTINGS = JSON.stringify({
  allowed_hosts: ["receiver.example", "webhooks.rhombussystems.com", "*.rhombussystems.com"],
});

/** How often time moves on, in real milliseconds. */
const TICK = 100;
/** So many timers fire in a tick at most; then the page has its turn. */
const FIRED = 2000;
/** How far ahead the next thing that happens is looked for, in milliseconds: no wait is longer. */
const AHEAD = 2 * 60 * 60 * 1000;

/** How the keys of records begin that say whether a subscriber is sent to. */
const HEALTH = "health/";

export class Session {
  #world = new World(BEGINNING, SYSTEMS);
  #stage = new Stage(this.#world);
  #speed = 1;
  #then = realm.realNow();
  #isTicking = false;
  #pauses: Pause[] = [];
  /** Those that wait for the next turn. */
  #waiting: (() => void)[] = [];
  /** What is done with time and the module comes one after the other. */
  #turns: Promise<unknown> = Promise.resolve();
  #show: (snapshot: Snapshot) => void;

  private constructor(show: (snapshot: Snapshot) => void) {
    this.#show = show;
  }

  /** Begins a session; every change of it is told to `show`. */
  static async begin(show: (snapshot: Snapshot) => void): Promise<Session> {
    const session = new Session(show);
    session.#world.usual = HEALTHY;
    realm.enter(session.#world.clock);
    await session.restart();
    realm.realSetInterval(() => session.#tick(), TICK);
    return session;
  }

  /** Kills the module in the middle of whatever it does, and loads it again from its store. */
  async restart(): Promise<void> {
    await this.#inTurn(() => this.#stage.load(SETTINGS));
  }

  setSpeed(speed: number): void {
    this.#speed = speed;
    this.#snapshot();
  }

  /** How the receiver at `url` answers from now on. */
  setReceiver(url: string, receiver: Receiver): void {
    this.#world.receivers.set(url, receiver);
  }

  /** A webhook request. */
  async request(method: string, body: string, caller?: string): Promise<Answered> {
    const outcome = await this.#call({
      kind: "request",
      method,
      headers: [["Content-Type", "application/json"]],
      body: new TextEncoder().encode(body),
      ...(caller === undefined ? {} : { caller }),
    });
    if (outcome.kind !== "response") throw new Error("a request is answered by a response");
    const { status, headers, body: answered } = outcome;
    return { at: this.#world.clock.now, status, headers, body: answered };
  }

  /** A door event, as JSON text. Resolves with `accepted`, or `rejected: ` and the reason. */
  async event(event: string): Promise<{ at: number; told: string }> {
    const outcome = await this.#call({ kind: "event", event });
    if (outcome.kind !== "event") throw new Error("an event is answered as one");
    return { at: this.#world.clock.now, told: outcome.told };
  }

  /** An operator calls a function; resolves with its JSON, or the reason why not. */
  async operate(name: string, args: string): Promise<{ at: number; told: string }> {
    const outcome = await this.#call({ kind: "function", name, arguments: args });
    if (outcome.kind !== "function") throw new Error("a function is answered as one");
    return { at: this.#world.clock.now, told: outcome.told };
  }

  /**
   * Lets time pass until an attempt begins or ends, or a delivery is given up. `false` if nothing waits
   * for time to pass.
   */
  async skip(): Promise<boolean> {
    return this.#inTurn(async () => {
      const { clock } = this.#world;
      const before = this.#happened();
      const target = clock.elapsed + AHEAD;
      while (this.#isWaiting() && this.#happened() === before && clock.advanceTo(target)) {
        await this.#settle();
      }
      return this.#happened() !== before;
    });
  }

  #isWaiting(): boolean {
    return this.#world.count("delivery/") > 0 || this.#underWay() > 0;
  }

  #underWay(): number {
    return this.#world.attempts.filter((attempt) => attempt.end === undefined).length;
  }

  /** Differs whenever something has happened that a person would call so. */
  #happened(): string {
    return [this.#world.attempts.at(-1)?.number, this.#underWay(), this.#world.count("dead/")].join();
  }

  async #call(call: Call): Promise<Outcome> {
    const number = await this.#inTurn(async () => this.#stage.begin(call));
    for (;;) {
      const outcome = this.#stage.outcome(number);
      if (outcome !== undefined) return outcome;
      // It takes virtual time.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #tick(): void {
    const now = realm.realNow();
    const passed = Math.round((now - this.#then) * this.#speed);
    this.#then = now;
    if (passed <= 0 || this.#isTicking) return;
    this.#isTicking = true;
    const tick = this.#inTurn(async () => {
      const { clock } = this.#world;
      const target = clock.elapsed + passed;
      for (let fired = 0; fired < FIRED && clock.advanceTo(target); fired += 1) {
        await this.#settle();
      }
    });
    void tick.finally(() => (this.#isTicking = false));
  }

  async #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turns.then(async () => {
      const done = await act();
      await this.#settle();
      return done;
    });
    this.#turns = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.#snapshot();
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }

  async #settle(): Promise<void> {
    await this.#stage.settle();
    this.#watchPauses();
  }

  /** A record of health says only what is now. */
  #watchPauses(): void {
    const { now } = this.#world.clock;
    const open = new Map(
      this.#pauses.filter(({ until }) => until === undefined).map((pause) => [pause.subscription, pause]),
    );
    for (const [key, json] of this.#records(HEALTH)) {
      const subscription = key.slice(HEALTH.length);
      const { pause } = JSON.parse(json) as { pause: { since: number } | null };
      if (pause !== null && !open.delete(subscription))
        this.#pauses.push({ subscription, since: pause.since });
    }
    for (const pause of open.values()) pause.until = now;
  }

  #records(prefix: string): (readonly [key: string, json: string])[] {
    const decoder = new TextDecoder();
    return this.#world.list(prefix).map(([key, value]) => [key, decoder.decode(value)] as const);
  }

  #snapshot(): void {
    const { clock, attempts, status } = this.#world;
    this.#show({
      now: clock.now,
      speed: this.#speed,
      records: this.#records(""),
      status: Object.fromEntries(status),
      attempts,
      pauses: this.#pauses,
    });
  }
}
