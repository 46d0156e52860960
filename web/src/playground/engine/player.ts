// Takes the steps of a fixture one at a time, and holds what comes of each against what must, as
// `replay/src/player.rs` does.

import type { Post } from "../../../../pkg/index.js";
import * as realm from "./realm";
import {
  DEFAULT_SETTINGS,
  DEFAULT_SYSTEMS,
  type EventStep,
  type Expected,
  type ExpectedPost,
  type Fixture,
  type RequestStep,
  type Step,
  type WorldStep,
} from "./fixture";
import { isSame, parseOrNull, text, type Json } from "./json";
import { Stage, type Call, type Outcome } from "./stage";
import { World } from "./world";

/** What was held against what. */
export interface Check {
  what: string;
  expected: string;
  came: string;
  isRight: boolean;
}

/** When fixtures begin, in milliseconds since 1970. */
const BEGINNING = Date.UTC(2026, 0, 1);

/** A call that was begun, and what must come of it. */
interface Begun {
  number: number;
  wanted: { response: Expected } | { event: string } | { function: Json } | "updated";
  /** When it is answered and not before, in the world's milliseconds. */
  due: number;
}

/** It is not as the fixture says; the checks tell. */
class Wrong extends Error {}

export class Player {
  #world: World;
  #stage: Stage;
  #settings: string;
  #checks: Check[] = [];

  private constructor(fixture: Fixture) {
    this.#world = new World(BEGINNING, fixture.systems ?? DEFAULT_SYSTEMS);
    this.#stage = new Stage(this.#world);
    this.#settings = text(fixture.settings ?? DEFAULT_SETTINGS);
  }

  /** Loads the module into the fixture's world. Rejects with why it does not load. */
  static async load(fixture: Fixture): Promise<Player> {
    const player = new Player(fixture);
    realm.enter(player.#world.clock, (length) => player.#world.random(length));
    await player.#stage.load(player.#settings);
    await player.#stage.settle();
    return player;
  }

  /** Milliseconds since the fixture began. */
  get elapsed(): number {
    return this.#world.clock.elapsed;
  }

  /** Takes a step. The last check is wrong if the step is; then no step may follow. */
  async take(step: Step): Promise<Check[]> {
    this.#checks = [];
    try {
      await this.#take(step);
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
    }
    return this.#checks;
  }

  async #take(step: Step): Promise<void> {
    switch (step.do) {
      case "request":
        for (let time = 0; time < (step.times ?? 1); time += 1) {
          const { commits } = this.#world;
          await this.#finish([this.#beginRequest(step)]);
          this.#writes(step.writes, commits);
          this.#effects(step.posts, step.unlocks);
        }
        return;
      case "event": {
        const { commits } = this.#world;
        await this.#finish([this.#beginEvent(step)]);
        this.#writes(step.writes, commits);
        return this.#effects(step.posts);
      }
      case "call": {
        const call: Call = {
          kind: "function",
          name: step.function,
          arguments: text(step.arguments ?? {}),
        };
        await this.#finish([this.#begin(call, { function: step.expect }, 0)]);
        return this.#effects(step.posts);
      }
      case "update":
        await this.#finish([this.#beginUpdate(step.settings, step.after_ms)]);
        return this.#effects(step.posts);
      case "together":
        await this.#finish(await this.#beginAll(step.steps));
        return this.#effects(step.posts, step.unlocks);
      case "advance":
        await this.#advance(step.ms);
        return this.#effects(step.posts);
      case "restart":
        if (step.settings !== undefined) this.#settings = text(step.settings);
        return this.#restart(step.refused, step.posts);
      case "lose_store":
        return this.#loseStore(step.settings);
      case "world":
        return this.#changeWorld(step);
      case "status":
        for (const [key, value] of Object.entries(step.expect)) {
          this.#sameJson(`status ${key}`, this.#world.status.get(key), value);
        }
        return;
      case "saved": {
        const saved = this.#world.takeNewlySaved();
        for (const [name, value] of Object.entries(step.expect)) {
          this.#sameJson(`setting ${name}`, saved.get(name), value);
        }
        return;
      }
      case "store":
        for (const [prefix, count] of Object.entries(step.expect)) {
          this.#same(`records ${prefix}`, String(this.#world.count(prefix)), String(count));
        }
    }
  }

  async #restart(refused: string | undefined, posts: ExpectedPost[] | undefined): Promise<void> {
    const why = await this.#stage.load(this.#settings).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (refused !== undefined || why !== undefined) {
      const isRight = refused !== undefined && why?.includes(refused) === true;
      return this.#check("loading", why ?? "it loads", refused ?? "it loads", isRight);
    }
    await this.#stage.settle();
    this.#effects(posts);
  }

  async #loseStore(settings: Json | undefined): Promise<void> {
    this.#world.records = new Map();
    if (settings !== undefined && settings !== null) this.#settings = text(settings);
    else {
      const name = "saved_subscriptions";
      const last = parseOrNull(this.#settings) as Record<string, Json>;
      this.#settings = text({ ...last, [name]: parseOrNull(this.#world.saved.get(name)) });
    }
    await this.#restart(undefined, undefined);
  }

  #changeWorld(step: WorldStep): void {
    const world = this.#world;
    if (step.storage !== undefined) world.storage = step.storage;
    if (step.systems !== undefined) world.systems = step.systems;
    if (step.map_fails !== undefined) world.mapFails = step.map_fails;
    world.clock.offset += step.clock_jump_ms ?? 0;
    for (const [url, receiver] of Object.entries(step.receivers ?? {})) world.receivers.set(url, receiver);
    for (const [url, why] of Object.entries(step.refuse ?? {})) world.refused.set(url, why);
    for (const [key, value] of Object.entries(step.records ?? {})) {
      world.records.set(key, new TextEncoder().encode(text(value)));
    }
  }

  async #beginAll(steps: Step[]): Promise<Begun[]> {
    const begun = [];
    for (const step of steps) {
      if (step.do === "request") begun.push(this.#beginRequest(step));
      else if (step.do === "event") begun.push(this.#beginEvent(step));
      else if (step.do === "update") begun.push(this.#beginUpdate(step.settings, step.after_ms));
      else if (step.do === "world") this.#changeWorld(step);
      else if (step.do === "advance") {
        await this.#stage.settle();
        await this.#advance(step.ms);
      } else throw new Error("only calls can happen together");
    }
    return begun;
  }

  #beginRequest(step: RequestStep): Begun {
    const { method, caller } = step;
    const call: Call = {
      kind: "request",
      method,
      headers: Object.entries(step.headers ?? {}),
      body: step.bytes === undefined ? bytesOf(step.body) : fromHex(step.bytes),
      ...(caller === undefined ? {} : { caller }),
    };
    return this.#begin(call, { response: step.expect }, step.after_ms, step.trap);
  }

  #beginEvent(step: EventStep): Begun {
    const call: Call = {
      kind: "event",
      event: text(step.event),
      ...(step.id === undefined ? {} : { id: step.id }),
    };
    return this.#begin(call, { event: step.expect }, step.after_ms, step.trap);
  }

  #beginUpdate(settings: Json, afterMs: number | undefined): Begun {
    this.#settings = text(settings);
    return this.#begin({ kind: "update", settings: this.#settings }, "updated", afterMs);
  }

  #begin(call: Call, wanted: Begun["wanted"], afterMs = 0, withoutTime = false): Begun {
    const number = this.#stage.begin(call, withoutTime);
    return { number, wanted, due: this.#world.clock.elapsed + afterMs };
  }

  /** Waits for the answers, of the world's time as long as they have to take. */
  async #finish(begun: Begun[]): Promise<void> {
    await this.#stage.settle();
    begun.sort((one, other) => one.due - other.due);
    for (const [index, next] of begun.entries()) {
      const wait = next.due - this.#world.clock.elapsed;
      if (wait > 0) {
        await this.#advance(wait - 1);
        for (const later of begun.slice(index)) {
          const early = this.#stage.outcome(later.number);
          if (early !== undefined) this.#check("answered", "before its time", "not yet", false);
        }
        await this.#advance(1);
      }
      this.#answered(next.wanted, this.#stage.outcome(next.number));
    }
  }

  #answered(wanted: Begun["wanted"], outcome: Outcome | undefined): void {
    if (outcome === undefined) return this.#check("answer", "none", "an answer", false);
    if (wanted === "updated") return this.#same("answer", outcome.kind, wanted);
    if ("response" in wanted && outcome.kind === "response") {
      const { status, headers, body } = wanted.response;
      const expected = body === undefined ? "" : text(body);
      this.#same("answer", `${outcome.status} ${outcome.body}`, `${status} ${expected}`);
      for (const [name, value] of Object.entries(headers ?? {})) {
        this.#same(`header ${name}`, header(outcome.headers, name) ?? "absent", value);
      }
    } else if ("event" in wanted && outcome.kind === "event") {
      this.#same("event", outcome.told, wanted.event);
    } else if ("function" in wanted && outcome.kind === "function") {
      if (typeof wanted.function === "string") this.#same("function", outcome.told, wanted.function);
      else this.#sameJson("function", outcome.told, wanted.function);
    } else this.#check("answer", outcome.kind, Object.keys(wanted).join(), false);
  }

  #writes(expected: boolean | undefined, before: number): void {
    if (expected === undefined) return;
    const told = (writes: boolean) => (writes ? "yes" : "no");
    this.#same("writes to the store", told(this.#world.commits > before), told(expected));
  }

  async #advance(ms: number): Promise<void> {
    const target = this.#world.clock.elapsed + ms;
    while (this.#world.clock.advanceTo(target)) await this.#stage.settle();
  }

  /** What a step has done outside must be just what it says. */
  #effects(posts: ExpectedPost[] = [], unlocks: string[] = []): void {
    const sent = this.#world.takePosts();
    const expected = [...posts].sort((one, other) =>
      one.url < other.url ? -1 : one.url > other.url ? 1 : 0,
    );
    const line = (post: ExpectedPost | Post) => `${post.url} ${text(post.body)}`;
    this.#same("POSTs", lines(sent.map(line)), lines(expected.map(line)));
    for (const [index, { headers }] of expected.entries()) {
      for (const [name, value] of Object.entries(headers ?? {})) {
        const came = header(sent[index]?.headers ?? [], name);
        this.#same(`header ${name}`, came ?? "absent", value ?? "absent");
      }
    }
    this.#same("unlocks", lines(this.#world.takeUnlocks()), lines([...unlocks].sort()));
  }

  #sameJson(what: string, json: string | undefined, expected: Json): void {
    const came = parseOrNull(json);
    this.#check(what, json ?? "none", JSON.stringify(expected), isSame(came, expected));
  }

  #same(what: string, came: string, expected: string): void {
    this.#check(what, came, expected, came === expected);
  }

  #check(what: string, came: string, expected: string, isRight: boolean): void {
    this.#checks.push({ what, expected, came, isRight });
    if (!isRight) throw new Wrong();
  }
}

function header(headers: readonly (readonly [string, string])[], name: string): string | undefined {
  return headers.find(([sent]) => sent.toLowerCase() === name.toLowerCase())?.[1];
}

function lines(lines: string[]): string {
  return lines.length === 0 ? "none" : lines.join("\n");
}

function bytesOf(body: Json | undefined): Uint8Array {
  return new TextEncoder().encode(body === undefined ? "" : text(body));
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
