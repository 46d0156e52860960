// How a receiver can be.

import type { Receiver } from "./engine/fixture";

/** It answers at once, which takes a moment. */
export const HEALTHY: Receiver = { after_ms: 60 };

/** The receiver's moods by name, in the order in which they are offered. */
export const MOODS = {
  healthy: { label: "Healthy: 200", receiver: HEALTHY },
  slow: { label: "Slow: 200 after 6 s", receiver: { after_ms: 6000 } },
  fails: { label: "Fails: 500", receiver: { after_ms: 60, status: 500 } },
  busy: {
    label: "Busy: 503, Retry-After 120",
    receiver: { after_ms: 60, status: 503, retry_after: "120" },
  },
  unwelcome: { label: "Dislikes the body: 400", receiver: { after_ms: 60, status: 400 } },
  gone: { label: "Gone: 410", receiver: { after_ms: 60, status: 410 } },
  hangs: { label: "Hangs: no answer", receiver: { fails: "timeout" } },
  unreachable: { label: "Unreachable: no connection", receiver: { after_ms: 60, fails: "refused" } },
} as const satisfies Record<string, { label: string; receiver: Receiver }>;

export type Mood = keyof typeof MOODS;
