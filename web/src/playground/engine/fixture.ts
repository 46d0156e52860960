// The format of a fixture, as `replay/src/fixture.rs` documents it.

import { parse, type Json } from "./json";

export interface Fixture {
  about: string;
  settings?: Json;
  systems?: Systems;
  steps: Step[];
}

export type Step =
  | RequestStep
  | EventStep
  | UpdateStep
  | TogetherStep
  | CallStep
  | AdvanceStep
  | RestartStep
  | LoseStoreStep
  | WorldStep
  | { do: "status"; expect: Record<string, Json> }
  | { do: "saved"; expect: Record<string, Json> }
  | { do: "store"; expect: Record<string, number> };

export interface RequestStep {
  do: "request";
  method: string;
  body?: Json;
  bytes?: string;
  caller?: string;
  headers?: Record<string, string>;
  expect: Expected;
  after_ms?: number;
  trap?: boolean;
  times?: number;
  writes?: boolean;
  posts?: ExpectedPost[];
  unlocks?: string[];
}

export interface EventStep {
  do: "event";
  event: Json;
  id?: string;
  expect: string;
  after_ms?: number;
  trap?: boolean;
  writes?: boolean;
  posts?: ExpectedPost[];
}

export interface UpdateStep {
  do: "update";
  settings: Json;
  after_ms?: number;
  posts?: ExpectedPost[];
}

export interface TogetherStep {
  do: "together";
  steps: Step[];
  posts?: ExpectedPost[];
  unlocks?: string[];
}

export interface CallStep {
  do: "call";
  function: string;
  arguments?: Json;
  expect: Json;
  posts?: ExpectedPost[];
}

export interface AdvanceStep {
  do: "advance";
  ms: number;
  posts?: ExpectedPost[];
}

export interface RestartStep {
  do: "restart";
  settings?: Json;
  refused?: string;
  posts?: ExpectedPost[];
}

export interface LoseStoreStep {
  do: "lose_store";
  settings?: Json;
}

export interface WorldStep {
  do: "world";
  storage?: StorageMode;
  receivers?: Record<string, Receiver>;
  systems?: Systems;
  map_fails?: boolean;
  refuse?: Record<string, string>;
  clock_jump_ms?: number;
  records?: Record<string, Json>;
}

export interface Expected {
  status: number;
  headers?: Record<string, string>;
  body?: Json;
}

export interface ExpectedPost {
  url: string;
  headers?: Record<string, string | null>;
  body: Json;
}

export type Systems = Record<string, SecuritySystem>;

export interface SecuritySystem {
  doors?: Door[];
  list_fails?: string;
  list_after_ms?: number;
}

export interface Door {
  id: string;
  description?: string;
  unlock?: "unlocked" | "refused" | "unsupported" | "fails";
  after_ms?: number;
}

/** How a receiver answers. */
export interface Receiver {
  /** 200 unless told. */
  status?: number;
  retry_after?: string;
  after_ms?: number;
  fails?: "dns" | "refused" | "timeout" | "tls" | "blocked" | "too_large";
}

export type StorageMode =
  | "works"
  | "fails"
  | "loses_answers"
  | "is_slow"
  | "goes_down"
  | "is_down";

/** Reads a fixture. */
export function read(json: string): Fixture {
  return parse(json) as unknown as Fixture;
}

/** The settings that a fixture loads the module with unless it says so. */
export const DEFAULT_SETTINGS: Json = { organization_id: "event" };

/** The security systems of a fixture unless it says so. */
export const DEFAULT_SYSTEMS: Systems = {
  main: {
    doors: [
      { id: "lobby", description: "Lobby", unlock: "unlocked" },
      { id: "vault", description: "Vault", unlock: "refused" },
      { id: "loading-dock", description: "Loading dock", unlock: "unsupported" },
    ],
  },
};
