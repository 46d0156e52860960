/** A header: its name and its value. */
export type Header = [name: string, value: string];

/** An answer to a webhook request. The body is empty if there is none. */
export type WebhookResponse = [status: number, headers: Header[], body: string];

/**
 * What became of a door event: `"accepted"`, it is saved and on its way to every subscriber; or
 * `"known"`, one of its id was accepted before and nothing was done.
 */
export type Acceptance = "accepted" | "known";

/** What a promise of {@link RhombusDriver.on_door_event} is rejected with. */
export interface DoorEventError extends Error {
  readonly name: "DoorEventError";
  /**
   * `"rejected"`: the event cannot be read, and is kept as rejected. `"unsaved"`: it is not known to
   * be saved; offer it again, under the same id.
   */
  readonly kind: "rejected" | "unsaved";
  /** Why, for the log. */
  readonly reason: string;
}

/** What a promise of {@link RhombusDriver.call} is rejected with. */
export interface CallError extends Error {
  readonly name: "CallError";
  /**
   * `"unknown"`: there is no such function. `"invalid"`: its arguments cannot be what is meant, and
   * nothing was done. `"failed"`: it could not be done, or is not known to be.
   */
  readonly kind: "unknown" | "invalid" | "failed";
}

/**
 * The Rhombus driver, loaded on a host.
 *
 * Calls may overlap: many are in flight at the same time. Settings and events are JSON text, not
 * objects, because a door may be numbered beyond what a JavaScript number holds.
 */
export class RhombusDriver {
  private constructor();

  /**
   * Loads the driver: the host's store, then `settings`, a JSON object. Rejects with an `Error` that
   * says why it cannot work; then nothing was changed.
   */
  static load(host: Host, settings: string): Promise<RhombusDriver>;

  /** Takes whole new settings, a JSON object. Resolves when they are saved. */
  update(settings: string): Promise<void>;

  /** Answers a webhook request by its method. `caller` is who asks; security systems are told. */
  request(
    method: string,
    headers: readonly Header[],
    body: Uint8Array,
    caller?: string | null,
  ): Promise<WebhookResponse>;

  /** Answers a POST: subscribes. */
  post(headers: readonly Header[], body: Uint8Array, caller?: string | null): Promise<WebhookResponse>;

  /** Answers a DELETE: unsubscribes. */
  delete(headers: readonly Header[], body: Uint8Array, caller?: string | null): Promise<WebhookResponse>;

  /** Answers a GET: lists the doors. */
  get(headers: readonly Header[], body: Uint8Array, caller?: string | null): Promise<WebhookResponse>;

  /** Answers a PUT: unlocks a door. */
  put(headers: readonly Header[], body: Uint8Array, caller?: string | null): Promise<WebhookResponse>;

  /**
   * Takes a door event, JSON text. Resolves once it is durable, before it is sent; rejects with a
   * {@link DoorEventError}. `id` is the host's name for it, the same when it is offered again.
   */
  on_door_event(event: string, id?: string | null): Promise<Acceptance>;

  /**
   * Keeps, as rejected, an event that ended two instances, without looking into it. Resolves with
   * `"known"` if it was accepted before; otherwise rejects with a {@link DoorEventError}.
   */
  set_aside(event: string, reason: string, id?: string | null): Promise<Acceptance>;

  /**
   * Calls a function for operators, such as `door_event`; `args` is a JSON object that has its arguments
   * by name. Resolves with JSON; rejects with a {@link CallError}. That the caller may is the host's to
   * see to.
   */
  call(name: string, args: string): Promise<string>;

  /**
   * Delivers, until {@link stop}; then resolves when the attempts under way have ended. It must be
   * running for anything to be sent.
   */
  run(): Promise<void>;

  /** Ends {@link run}; no attempt starts from then on. It comes before {@link free}. */
  stop(): void;

  /** Gives the driver's memory back, once its calls have ended. */
  free(): void;
  [Symbol.dispose](): void;
}

/**
 * Everything that the driver may ask for.
 *
 * A method that throws, whose promise is rejected, or which answers what its type does not allow,
 * fails that call and nothing else. So does one that has not answered for 30 seconds; `http.post` has
 * the time it is given, and the driver does not wait for doors longer than 10 seconds.
 */
export interface Host {
  readonly storage: Storage;
  readonly http: Http;
  readonly doors: Doors;
  readonly settings: Settings;
  readonly status?: Status;
  /** One line for the log; `console` if absent. */
  log?(level: "debug" | "info" | "warn" | "error", message: string, fields: Record<string, string>): void;
}

/**
 * The driver's records: text keys, opaque values. Calls are applied and answered in the order in
 * which they are made.
 */
export interface Storage {
  get(key: string): Promise<Uint8Array | undefined>;
  /** At most `limit` records whose key begins with `prefix` and follows `after`, in key order. */
  scan(prefix: string, after: string | undefined, limit: number): Promise<[key: string, value: Uint8Array][]>;
  /**
   * All of `changes` or none, durable when it is answered. A `put-if-absent` that finds a value
   * refuses the whole commit. A rejection, or any other answer, is taken for not known to be saved.
   */
  commit(changes: readonly Change[]): Promise<"committed" | { readonly exists: string }>;
}

/** One change of a commit. */
export type Change =
  | { readonly kind: "put" | "put-if-absent"; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: "delete"; readonly key: string };

/** The way out. */
export interface Http {
  /** Sends one POST. Redirects are not followed. */
  post(request: Post): Promise<PostAnswer | PostFailure>;
  /**
   * Whether the host lets a POST go to `url` now, beside the driver's own rule: nothing, or the
   * reason it does not. Without it, it does.
   */
  check?(url: string): Promise<string | undefined>;
}

/** A POST to a subscriber. */
export interface Post {
  readonly url: string;
  readonly headers: Header[];
  /** JSON text. */
  readonly body: string;
  /** From the start of the call to the end of the answer's body. */
  readonly timeout_ms: number;
  /** The answer's headers to report, in lower case. */
  readonly wanted: readonly string[];
}

/** What a receiver answered. */
export interface PostAnswer {
  readonly status: number;
  readonly headers: readonly Header[];
}

/** Why a POST got no answer. */
export interface PostFailure {
  readonly failure: "dns" | "refused" | "timeout" | "tls" | "blocked" | "too-large" | "other";
  readonly reason?: string;
}

/** The building's security systems. */
export interface Doors {
  /** The names of the security systems there are now. */
  systems(): Promise<readonly string[]>;
  /** The doors of one of them. */
  list(system: string): Promise<readonly Door[]>;
  /** `"unsupported"`: this security system cannot unlock. */
  unlock(
    system: string,
    door: string,
    caller: string | undefined,
  ): Promise<"unlocked" | "refused" | "unsupported">;
}

/** A door, as its security system lists it. */
export interface Door {
  readonly id: string;
  readonly description?: string;
}

/** What operators see of the module. */
export interface Status {
  /** Shows `json`, a JSON value as text, under `key`. */
  set(key: string, json: string): void;
}

/** Settings that the driver itself writes. */
export interface Settings {
  /**
   * Keeps `json` as the setting `name`, to be among the settings at the next `load`. There is one:
   * `saved_subscriptions`, for the day the store is lost.
   */
  save(name: string, json: string): Promise<void>;
}

/** A store in memory, which is lost with the realm: to try the driver, and for tests. */
export function memoryStorage(): Storage;

/**
 * The way out by `fetch`. In a browser each receiver must allow it by CORS. It cannot see the address
 * that is dialled: of the egress rule only the part about URLs holds.
 */
export function fetchHttp(): Http;

/**
 * The webhook as a handler of Fetch-API requests. Whoever reaches it may subscribe and unlock doors:
 * mount it behind a check of who asks, or at a URL that nobody guesses. `caller` is told to security
 * systems.
 */
export function webhookHandler(
  driver: RhombusDriver,
  caller?: string,
): (request: Request) => Promise<Response>;
