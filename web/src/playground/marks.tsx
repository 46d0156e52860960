// Small things that several parts show.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { State } from "../shared/state";
import type { Subscriber } from "./outbox";

/** Text as it is, in lines that break where they must. Long ones scroll, also by the keyboard. */
export function Code({ label, children }: { label: string; children: string }) {
  const isLong = children.length > 600 || children.split("\n").length > 12;
  return (
    <pre
      class={isLong ? "code long" : "code"}
      tabIndex={isLong ? 0 : undefined}
      role="group"
      aria-label={label}
    >
      {children}
    </pre>
  );
}

/** What may be too wide for a phone, and then scrolls, also by the keyboard. */
export function Scrolls({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div class="scrolls" tabIndex={0} role="group" aria-label={label}>
      {children}
    </div>
  );
}

/** So many entries of a log are shown at first. */
const LATEST = 10;

/** A log, its latest entries first; the others are shown if they are wanted. */
export function Log({ children }: { children: ComponentChildren[] }) {
  const [isWhole, setWhole] = useState(false);
  const hidden = isWhole ? 0 : Math.max(0, children.length - LATEST);
  return (
    <>
      <ol class="log">{hidden > 0 ? children.slice(0, LATEST) : children}</ol>
      {hidden > 0 && (
        <button type="button" onClick={() => setWhole(true)}>
          Show {hidden} earlier
        </button>
      )}
    </>
  );
}

/** A part of the page. */
export function Section(props: { id: string; title: string; hint?: string; children: ComponentChildren }) {
  const { id, title, hint, children } = props;
  return (
    <section id={id} class="panel part" aria-labelledby={`${id}-title`} tabIndex={-1}>
      <h2 id={`${id}-title`}>{title}</h2>
      {hint && <p class="muted hint">{hint}</p>}
      {children}
    </section>
  );
}

/** Whether a subscriber is sent to. */
export function StateOf({ subscriber: { state } }: { subscriber: Subscriber }) {
  return <State tone={TONES[state]}>{state}</State>;
}

const TONES = { open: "good", paused: "warn", disabled: "bad" } as const;
