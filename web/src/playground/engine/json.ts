// JSON as fixtures mean it: a number keeps the digits that it is written with, because a door may be
// numbered beyond what a JavaScript number holds.

/** A JSON value; a number that JavaScript would write otherwise is a raw one. */
export type Json = null | boolean | number | string | RawNumber | Json[] | { [name: string]: Json };

interface RawNumber {
  readonly rawJSON: string;
}

/** What browsers have of the proposal "JSON.parse source text access", which the types do not know. */
interface SourceAccess {
  parse(text: string, revive: (name: string, value: Json, context?: { source?: string }) => Json): Json;
  rawJSON?(text: string): RawNumber;
  isRawJSON?(value: unknown): value is RawNumber;
}

const native = JSON as unknown as SourceAccess;

/** Reads JSON text. Throws what `JSON.parse` does. */
export function parse(text: string): Json {
  return native.parse(text, (_, value, context) => {
    const source = context?.source;
    if (typeof value !== "number" || source === undefined || source === String(value)) return value;
    return native.rawJSON?.(source) ?? value;
  });
}

/** Text as it is, and anything else as compact JSON: what a body in a fixture stands for. */
export function text(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Whether two values are the same, in whatever order their members are. */
export function isSame(one: Json, other: Json): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

/** `text` read, or `null` if it is no JSON. */
export function parseOrNull(text: string | undefined): Json {
  try {
    return text === undefined ? null : parse(text);
  } catch {
    return null;
  }
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object" || native.isRawJSON?.(value)) return value;
  const members = Object.entries(value).map(([name, member]): [string, Json] => [name, sorted(member)]);
  return Object.fromEntries(members.sort(([one], [other]) => (one < other ? -1 : 1)));
}
