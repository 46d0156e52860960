// What the gateway is asked. It answers errors in one sentence, which is shown as it is.

export interface Door {
  door_id: string;
  description?: string;
}

export interface DoorEvent {
  at: number;
  number: number;
  door_id: string;
  action: string;
  timestamp?: string;
  user_name?: string;
}

export interface Subscription {
  /** Absent if what the setting lists cannot be read. */
  id?: string;
  webhook?: string;
  state: string;
  pending?: number;
  why?: string;
}

export interface Status {
  subscriptions?: Subscription[];
  pending?: number;
  oldest_pending_seconds?: number;
  delivered?: number;
  event_count?: number;
  dead_letters?: number;
  alert?: string[];
  last_error?: string;
  durability?: string;
}

export interface Receiver {
  last_success?: number;
  last_failure?: number;
  last_error?: string;
}

export interface Delivery {
  id: string;
  subscription?: string;
  door_id?: string;
  action?: string;
  timestamp?: number | string;
  attempts?: number;
  reason?: string;
  at?: number;
  raw?: string;
}

export interface Unlock {
  id: string;
  at: number;
  caller?: string;
  door_id: string;
  outcome: string;
  why?: string;
}

export interface Minute {
  at: number;
  events: number;
  delivered: number;
  failed: number;
  p50: number | null;
  p99: number | null;
  pending: number | null;
}

/** Why the gateway did not do what it was asked. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    sentence: string,
  ) {
    super(sentence);
  }
}

export const get = <T>(path: string) => ask<T>(path, {});

export const post = <T>(path: string, body: unknown) =>
  ask<T>(path, { method: "POST", body: JSON.stringify(body) });

/** Calls a function of the driver. */
export const call = <T>(name: string, args: object) => post<T>(`/api/functions/${name}`, args);

async function ask<T>(path: string, request: RequestInit): Promise<T> {
  const answer = await fetch(path, request).catch(() => {
    throw new Refused(0, "the gateway cannot be reached");
  });
  const body = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, body.error ?? `it answered ${answer.status}`);
  return body;
}
