// Times as people read them: of today the time only, of other days the date too.

const time = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });
const dated = new Intl.DateTimeFormat(undefined, {
  dateStyle: "medium",
  timeStyle: "medium",
  hourCycle: "h23",
});

/** `at` is in milliseconds since 1970. */
export function shown(at: number): string {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  return (isToday ? time : dated).format(date);
}

/** A time in one of the forms that the driver reads: seconds or, from 10¹¹ on, milliseconds since 1970; or RFC 3339. */
export function parsed(timestamp: string | number | undefined): number | undefined {
  if (timestamp === undefined) return undefined;
  const number = Number(timestamp);
  const at = Number.isNaN(number)
    ? Date.parse(String(timestamp))
    : number >= 1e11
      ? number
      : number * 1000;
  return Number.isNaN(new Date(at).getTime()) ? undefined : at;
}

/** A span of time in its largest unit: `850 ms`, `12 s`, `3 min`, `2 h`, `5 d`. */
export function span(millis: number): string {
  const units: [string, number][] = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["min", 60_000],
    ["s", 1000],
  ];
  const found = units.find(([, size]) => millis >= size);
  if (!found) return `${Math.round(millis)} ms`;
  const value = millis / found[1];
  return `${value < 10 && found[0] === "s" ? value.toFixed(1) : Math.round(value)} ${found[0]}`;
}
