// What the store's records say of subscribers and of what waits for them. The table of records is in
// `src/record.rs`.

import type { Attempt } from "./engine/world";
import type { Snapshot } from "./engine/session";

export interface Subscriber {
  id: string;
  webhook: string;
  secret: string | undefined;
  state: "open" | "paused" | "disabled";
  /** Why it is not open. */
  why: string | undefined;
  /** Failures in a row. */
  failures: number;
  /** While it is paused: how many probes have failed, and when the next is due. */
  pause: { since: number; probes: number; nextProbe: number } | undefined;
  inFlight: number;
  pending: number;
  lanes: Lane[];
}

/** What one subscriber is to get of one door, oldest first. */
export interface Lane {
  door: string;
  deliveries: Delivery[];
}

export interface Delivery {
  key: string;
  eventId: string;
  action: string;
  attempts: number;
  /** Set while an attempt is under way. */
  underWay: Attempt | undefined;
  /** When the next attempt is due, if that is a matter of time. */
  due: number | undefined;
}

export interface DeadLetter {
  /** As operators name it. */
  id: string;
  webhook: string;
  door: string;
  action: string;
  attempts: number;
  at: number;
  reason: string;
}

interface DeliveryRecord {
  event_id: string;
  event: { door_id: string; action: string };
  attempts: number;
  next: number;
}

interface HealthRecord {
  is_disabled: boolean;
  pause: { since: number; probes: number; next_probe: number } | null;
  failures: number;
  paused_for: number;
  why: string | null;
}

/** All subscribers, in the order in which they subscribed. */
export function subscribers({ records, attempts }: Snapshot): Subscriber[] {
  const underWay = attempts.filter((attempt) => attempt.end === undefined);
  const health = new Map(of<HealthRecord>(records, "health/"));
  const all = of<{ webhook: string; secret?: string }>(records, "subscription/");
  return all.map(([id, { webhook, secret }]) => {
    const own = health.get(id);
    const deliveries = of<DeliveryRecord>(records, `delivery/${id}/`);
    const flights = underWay.filter((attempt) => attempt.url === webhook);
    return {
      id,
      webhook,
      secret,
      state: own?.is_disabled ? "disabled" : own?.pause ? "paused" : "open",
      why: own?.why ?? undefined,
      failures: own?.failures ?? 0,
      pause: own?.pause
        ? { since: own.pause.since, probes: own.pause.probes, nextProbe: own.pause.next_probe }
        : undefined,
      inFlight: flights.length,
      pending: deliveries.length,
      lanes: lanes(deliveries, flights, own),
    };
  });
}

/** What was given up, oldest first. */
export function deadLetters({ records }: Snapshot): DeadLetter[] {
  const webhooks = new Map(of<{ webhook: string }>(records, "subscription/"));
  interface DeadRecord extends DeliveryRecord {
    subscription: string;
    at: number;
    reason: string;
  }
  return of<DeadRecord>(records, "dead/").map(([key, { subscription, event, attempts, at, reason }]) => ({
    id: `dead/${key}`,
    webhook: webhooks.get(subscription)?.webhook ?? "a subscription that is no more",
    door: event.door_id,
    action: event.action,
    attempts,
    at,
    reason,
  }));
}

function lanes(
  deliveries: [string, DeliveryRecord][],
  flights: Attempt[],
  health: HealthRecord | undefined,
): Lane[] {
  const lanes = new Map<string, Delivery[]>();
  for (const [key, { event_id: eventId, event, attempts, next }] of deliveries) {
    const lane = lanes.get(event.door_id) ?? [];
    lanes.set(event.door_id, lane);
    const isHead = lane.length === 0;
    lane.push({
      key,
      eventId,
      action: event.action,
      attempts,
      underWay: flights.find((flight) => webhookId(flight) === eventId),
      // Schedules run in the time in which the subscriber was not paused.
      due: isHead && !health?.pause ? next + (health?.paused_for ?? 0) : undefined,
    });
  }
  return [...lanes].map(([door, deliveries]) => ({ door, deliveries }));
}

/** The id of the event that an attempt tells of. */
export function webhookId({ headers }: Attempt): string | undefined {
  return headers.find(([name]) => name === "webhook-id")?.[1];
}

/** The records whose keys begin so, by what follows. */
function of<T>(records: Snapshot["records"], prefix: string): [string, T][] {
  const found = records.filter(([key]) => key.startsWith(prefix));
  return found.map(([key, json]) => [key.slice(prefix.length), JSON.parse(json) as T]);
}
