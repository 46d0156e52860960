import { useEffect, useState } from "preact/hooks";

import type { Snapshot } from "./engine/session";
import type { Subscriber } from "./outbox";

const STEPS = [
  {
    name: "subscribed",
    place: "receiver",
    text: "Subscribe a receiver: the form is filled in, press the button.",
  },
  {
    name: "delivered",
    place: "building",
    text: "Badge Ann at the main entrance, and see the POST at the receiver.",
  },
  {
    name: "verified",
    place: "receiver",
    text: "Open that POST, verify its two signatures, and tamper with the body.",
  },
  {
    name: "paused",
    place: "receiver",
    text: "Let the receiver fail, badge people at three doors, and run time at 60× until it is paused.",
  },
  {
    name: "mended",
    place: "receiver",
    text: "Make it healthy, and watch the outbox empty, in order for each door.",
  },
] as const;

type Name = (typeof STEPS)[number]["name"];

/** Which steps of the tour are done. What was done once stays so. */
export function useProgress(snapshot: Snapshot, all: Subscriber[], isVerified: boolean): Set<Name> {
  const [done, setDone] = useState<Set<Name>>(new Set());
  const wasPaused = snapshot.pauses.length > 0;
  const isOpen = all.some(({ state, pending }) => state === "open" && pending === 0);
  const now: Record<Name, boolean> = {
    subscribed: all.some(({ secret }) => secret !== undefined),
    delivered: snapshot.attempts.some(({ end }) => end?.isDelivered),
    verified: isVerified,
    paused: wasPaused,
    mended: wasPaused && isOpen,
  };
  const more = STEPS.map(({ name }) => name).filter((name) => now[name] && !done.has(name));
  useEffect(() => {
    if (more.length > 0) setDone(new Set([...done, ...more]));
  }, [more.join()]);
  return done;
}

/** The step that is next; nothing when all are done. */
export function nextStep(done: Set<Name>) {
  return STEPS.find(({ name }) => !done.has(name));
}

/** What a newcomer may try, in order. */
export function Tour({ done }: { done: Set<Name> }) {
  const next = nextStep(done);
  return (
    <nav class="tour" aria-label="Tour">
      <ol>
        {STEPS.map(({ name, place, text }, index) => (
          <li key={name} class={done.has(name) ? "done" : name === next?.name ? "next" : ""}>
            <a href={`#${place}`} aria-current={name === next?.name ? "step" : undefined}>
              <span class="tick" aria-hidden="true">
                {done.has(name) ? "✓" : index + 1}
              </span>
              <span>
                {text}
                {done.has(name) && <span class="unseen"> Done.</span>}
              </span>
            </a>
          </li>
        ))}
      </ol>
      <p class="unseen" role="status">
        {`${done.size} of ${STEPS.length} steps of the tour are done.`}
      </p>
    </nav>
  );
}
