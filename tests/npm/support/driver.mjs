// A driver of the package, on a host that is all in memory.

import { RhombusDriver, memoryStorage } from "../../../pkg/node.js";

/** Where the driver may send to, unless a test has a way out of its own. */
export const WEBHOOK = "https://receiver.example/hook";

/**
 * Loads a driver that runs until the test `t` ends. `sent` resolves with the next POST that it sends, if `http`
 * is not given; then each is answered at once.
 */
export async function load(t, { doors = [], http, host = "receiver.example" } = {}) {
  const posts = queue();
  const post = async (request) => {
    posts.put(request);
    return { status: 200, headers: [] };
  };
  const driver = await RhombusDriver.load(
    {
      storage: memoryStorage(),
      http: http ?? { post, check: async () => undefined },
      doors: {
        systems: async () => ["main"],
        list: async () => doors.map((id) => ({ id })),
        unlock: async () => "unlocked",
      },
      settings: { save: async () => {} },
      log: () => {},
    },
    JSON.stringify({ allowed_hosts: [host] }),
  );
  const running = driver.run();
  t.after(async () => {
    driver.stop();
    await running;
    driver.free();
  });
  return { driver, sent: posts.next };
}

/** Things that come, and may be waited for. */
export function queue() {
  const there = [];
  const waiting = [];
  return {
    put(thing) {
      if (waiting.length > 0) waiting.shift()(thing);
      else there.push(thing);
    },
    next: async () => (there.length > 0 ? there.shift() : new Promise((resolve) => waiting.push(resolve))),
  };
}

/** The bytes of a text. */
export const bytes = (text) => new TextEncoder().encode(text);
