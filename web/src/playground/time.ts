// Times as the page shows them. Virtual time has no zone of its own, so it is UTC.

/** The day. */
export function date(ms: number): string {
  return new Date(ms).toLocaleDateString("en-GB", {
    timeZone: "UTC",
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
  });
}

/** The time of day, to the second. */
export function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

/** A length of time: `0 s`, `0.4 s`, `12 s`, `3 min 20 s`, `1 h 5 min`. */
export function length(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds > 0 && seconds < 1) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours > 0) return minutes === 0 ? `${hours} h` : `${hours} h ${minutes} min`;
  return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}
