// The realm that the driver runs in. The module takes the time from `Date.now`, its timers from
// `setTimeout` and its random bytes from `crypto`; here they are a world's.

import type { Clock } from "./clock";

type Random = (length: number) => Uint8Array;

const { crypto } = globalThis;
const realRandom = crypto.getRandomValues.bind(crypto);

/** The browser's own timers, for what must happen while virtual time stands still. */
export const realSetInterval = globalThis.setInterval.bind(globalThis);
/** The browser's own clock. */
export const realNow = performance.now.bind(performance);

let clock: Clock | undefined;
let timers = new Set<number>();
let isOpen = false;

/** Makes the realm's clock and timers those of `entered`; its random bytes too, if there are any. */
export function enter(entered: Clock, random?: Random): void {
  close();
  clock = entered;
  Date.now = () => entered.now;
  const set = (fire: () => void, ms = 0): number => {
    // A dead instance may still set timers; they never fire.
    if (!isOpen) return 0;
    const id = entered.set(() => timers.delete(id) && fire(), ms);
    timers.add(id);
    return id;
  };
  const clear = (id?: number): void => {
    if (id !== undefined && timers.delete(id)) entered.clear(id);
  };
  Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
  const values = (bytes: Uint8Array) => (bytes.set(random?.(bytes.length) ?? []), bytes);
  Object.defineProperty(crypto, "getRandomValues", {
    configurable: true,
    value: random === undefined ? realRandom : values,
  });
}

/** Timers that are set from now on fire. */
export function open(): void {
  isOpen = true;
}

/** No timer fires any more, set before or after: the instance that set it is dead. */
export function close(): void {
  isOpen = false;
  for (const id of timers) clock?.clear(id);
  timers = new Set();
}

const { port1, port2 } = new MessageChannel();
const waiting: (() => void)[] = [];
port1.onmessage = () => waiting.shift()?.();

/** One turn of the loop of events. By its end everything is over that waits for promises only. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    port2.postMessage(null);
  });
}
