// A part of the console, under its heading.

import type { ComponentChildren } from "preact";

import { shown } from "../shared/time";

interface Props {
  id: string;
  title: string;
  /** What stands beside the heading. */
  aside?: ComponentChildren;
  children: ComponentChildren;
}

export function Panel({ id, title, aside, children }: Props) {
  return (
    <section class={`panel ${id}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** Says that there is nothing, in place of a list. */
export function Nothing({ children }: { children: ComponentChildren }) {
  return <p class="nothing muted">{children}</p>;
}

/** A time; nothing if there is none. */
export function Time({ at }: { at: number | undefined }) {
  if (at === undefined) return null;
  return <time dateTime={new Date(at).toISOString()}>{shown(at)}</time>;
}
