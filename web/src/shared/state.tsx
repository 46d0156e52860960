// A state: a shape and a word tell it, and its colour helps.

export type Tone = "good" | "warn" | "bad" | "plain";

const SHAPES: Record<Tone, string> = {
  good: "M6 1a5 5 0 1 1 0 10A5 5 0 0 1 6 1",
  warn: "M6 1l5.5 10H.5z",
  bad: "M1 1h10v10H1z",
  plain: "M6 2.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7m0 1.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4",
};

export function State({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span class={`state ${tone}`}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        <path d={SHAPES[tone]} fill="currentColor" fill-rule="evenodd" />
      </svg>
      {children}
    </span>
  );
}
