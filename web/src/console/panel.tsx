// A part of the console, under its heading.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

import { shown } from "../shared/time";

interface Props {
  id: string;
  title: string;
  /** What stands beside the heading. */
  aside?: ComponentChildren;
  children: ComponentChildren;
}

export function Panel({ id, title, aside, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  const focused = useRef<HTMLElement | null>(null);
  // A row goes when it is settled. Who was on it stays in its list, and is not sent to the page's top.
  useLayoutEffect(() => {
    if (focused.current?.isConnected === false) {
      focused.current = null;
      if (document.activeElement === document.body) heading.current?.focus();
    }
  });
  const left = ({ target }: FocusEvent) =>
    queueMicrotask(() => {
      if ((target as HTMLElement).isConnected) focused.current = null;
    });
  return (
    <section
      class={`panel ${id}`}
      aria-labelledby={id}
      onFocusIn={({ target }) => {
        focused.current = target as HTMLElement;
      }}
      onFocusOut={left}
    >
      <header>
        <h2 id={id} ref={heading} tabIndex={-1}>
          {title}
        </h2>
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
