// What is around the module: a store, receivers, security systems, and time. It does what the world of
// `replay/src/world.rs` does: a call takes effect when it is made; the promise gives the answer.

import type { Change, Post, PostAnswer, PostFailure } from "../../../../pkg/index.js";
import { Clock } from "./clock";
import type { Receiver, StorageMode, Systems } from "./fixture";

/** One POST, and what came of it. Times are in milliseconds since 1970. */
export interface Attempt {
  /** Counted from 1. */
  readonly number: number;
  readonly at: number;
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** Absent while it is under way. */
  end?: { at: number; isDelivered: boolean; told: string };
}

type Unlocked = "unlocked" | "refused" | "unsupported";

/** So many POSTs are remembered. */
const ATTEMPTS = 400;

export class World {
  readonly clock: Clock;
  storage: StorageMode = "works";
  systems: Systems;
  mapFails = false;
  /** How receivers answer, by URL, and those that are not named. */
  receivers = new Map<string, Receiver>();
  usual: Receiver = {};
  /** What the address part of the egress rule refuses: URL and reason. */
  refused = new Map<string, string>();
  records = new Map<string, Uint8Array>();
  status = new Map<string, string>();
  saved = new Map<string, string>();
  /** Commits that were made. */
  commits = 0;
  attempts: Attempt[] = [];
  #begun = 0;
  #posts: Post[] = [];
  #unlocks: string[] = [];
  #newlySaved = new Map<string, string>();
  #drawn = 0;

  constructor(beginning: number, systems: Systems) {
    this.clock = new Clock(beginning);
    this.systems = systems;
  }

  get(key: string): Uint8Array | undefined {
    this.#mustBeUp();
    return this.records.get(key);
  }

  scan(prefix: string, after: string | undefined, limit: number): [string, Uint8Array][] {
    this.#mustBeUp();
    const follows = ([key]: [string, Uint8Array]) => after === undefined || key > after;
    return this.list(prefix).filter(follows).slice(0, limit);
  }

  async commit(changes: readonly Change[]): Promise<"committed" | { exists: string }> {
    const slow = this.storage === "is_slow" ? this.clock.sleep(1000) : undefined;
    const { storage } = this;
    const writes = storage !== "fails" && storage !== "is_down";
    const answer = writes ? this.#apply(changes) : "committed";
    const answers = writes && storage !== "loses_answers" && storage !== "goes_down";
    if (storage === "goes_down" && answer === "committed") this.storage = "is_down";
    await slow;
    if (!answers && answer === "committed") throw new Error("the disk fails");
    return answer;
  }

  async post(post: Post): Promise<PostAnswer | PostFailure> {
    const receiver = this.receivers.get(post.url) ?? this.usual;
    const takes = receiver.after_ms ?? 0;
    const wait = receiver.fails === "timeout" ? post.timeout_ms : Math.min(takes, post.timeout_ms);
    const { url, headers, body } = post;
    const attempt: Attempt = { number: ++this.#begun, at: this.clock.now, url, headers, body };
    this.attempts = [...this.attempts.slice(1 - ATTEMPTS), attempt];
    this.#posts.push(post);
    if (wait > 0) await this.clock.sleep(wait);
    const fails = receiver.fails ?? (takes > post.timeout_ms ? "timeout" : undefined);
    const status = receiver.status ?? 200;
    attempt.end = {
      at: this.clock.now,
      isDelivered: fails === undefined && status >= 200 && status < 300,
      told: fails ?? String(status),
    };
    if (fails !== undefined) {
      return { failure: fails === "too_large" ? "too-large" : fails, reason: fails };
    }
    const { retry_after } = receiver;
    return { status, headers: retry_after === undefined ? [] : [["retry-after", retry_after]] };
  }

  async check(url: string): Promise<string | undefined> {
    return this.refused.get(url);
  }

  async systemNames(): Promise<string[]> {
    if (this.mapFails) throw new Error("the map cannot be read");
    return Object.keys(this.systems).sort();
  }

  async doors(name: string): Promise<{ id: string; description?: string }[]> {
    const system = this.systems[name];
    if (system?.list_after_ms) await this.clock.sleep(system.list_after_ms);
    if (system === undefined) throw new Error("there is no such system");
    if (system.list_fails !== undefined) throw new Error(system.list_fails);
    return (system.doors ?? []).map(({ id, description }) =>
      description === undefined ? { id } : { id, description },
    );
  }

  async unlock(system: string, id: string, caller: string | undefined): Promise<Unlocked> {
    this.#unlocks.push(`${system}/${id}${caller === undefined ? "" : ` by ${caller}`}`);
    const door = this.systems[system]?.doors?.find((door) => door.id === id);
    if (door?.after_ms) await this.clock.sleep(door.after_ms);
    if (door === undefined) throw new Error("there is no such door");
    const outcome = door.unlock ?? "unlocked";
    if (outcome === "fails") throw new Error("the system fails");
    return outcome;
  }

  save(name: string, json: string): void {
    this.saved.set(name, json);
    this.#newlySaved.set(name, json);
  }

  /** Bytes that are different each time. The first is in the middle, so that what it spreads is not. */
  random(length: number): Uint8Array {
    const drawn = new Uint8Array(16);
    drawn[0] = 128;
    new DataView(drawn.buffer).setBigUint64(8, BigInt(++this.#drawn));
    return Uint8Array.from({ length }, (_, at) => drawn[at % drawn.length] ?? 0);
  }

  /** The records whose key begins so, as they are also while the module cannot read them. */
  list(prefix: string): [string, Uint8Array][] {
    return [...this.records].filter(([key]) => key.startsWith(prefix)).sort(byKey);
  }

  /** How many records have a key that begins so. */
  count(prefix: string): number {
    return [...this.records.keys()].filter((key) => key.startsWith(prefix)).length;
  }

  /** The POSTs since the last call, by URL. */
  takePosts(): Post[] {
    const posts = this.#posts;
    this.#posts = [];
    return posts.sort((one, other) => (one.url < other.url ? -1 : one.url > other.url ? 1 : 0));
  }

  /** The unlocks since the last call, in order. */
  takeUnlocks(): string[] {
    const unlocks = this.#unlocks;
    this.#unlocks = [];
    return unlocks.sort();
  }

  /** The settings that were saved since the last call. */
  takeNewlySaved(): Map<string, string> {
    const saved = this.#newlySaved;
    this.#newlySaved = new Map();
    return saved;
  }

  #mustBeUp(): void {
    if (this.storage === "is_down") throw new Error("the disk fails");
  }

  #apply(changes: readonly Change[]): "committed" | { exists: string } {
    const after = new Map(this.records);
    for (const change of changes) {
      if (change.kind === "put-if-absent" && after.has(change.key)) return { exists: change.key };
      if (change.kind === "delete") after.delete(change.key);
      else after.set(change.key, change.value);
    }
    this.records = after;
    this.commits += 1;
    return "committed";
  }
}

// The driver's keys are ASCII, so this is the order of their bytes.
function byKey([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1;
}
