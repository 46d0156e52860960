// A whole host and every call, in strict mode, against the package as it is installed.

import { createHash } from "node:crypto";

import {
  type Acceptance,
  type Change,
  type DoorEventError,
  type Host,
  RhombusDriver,
  type Storage,
  type WebhookResponse,
  fetchHttp,
  memoryStorage,
  webhookHandler,
} from "rhombus-driver";

const memory = memoryStorage();
const storage: Storage = {
  get: (key) => memory.get(key),
  scan: (prefix, after, limit) => memory.scan(prefix, after, limit),
  commit: async (changes: readonly Change[]) => {
    for (const change of changes) {
      // @ts-expect-error: a removal has no value
      if (change.kind === "delete") void change.value;
    }
    return memory.commit(changes);
  },
};

const status: Record<string, unknown> = {};
const host: Host = {
  storage,
  http: { ...fetchHttp(), check: async (url) => (url.includes("forbidden") ? "it is forbidden" : undefined) },
  doors: {
    systems: async () => ["main"],
    list: async (system) => [{ id: `${system}-1`, description: "Lobby" }, { id: "2" }],
    unlock: async (_system, door, caller) => (door === "2" || caller === "nobody" ? "refused" : "unlocked"),
  },
  settings: { save: async () => {} },
  status: { set: (key, json) => void (status[key] = JSON.parse(json)) },
  log: (level, message, fields) => console.error(level, message, fields),
};

// @ts-expect-error: a driver is loaded, not made
void (() => new RhombusDriver());
// @ts-expect-error: settings are text
void (() => RhombusDriver.load(host, {}));

const driver: RhombusDriver = await RhombusDriver.load(host, JSON.stringify({ allowed_hosts: ["127.0.0.1"] }));
const running: Promise<void> = driver.run();
const body = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const none = new Uint8Array();

const answers: WebhookResponse[] = [
  await driver.get([], none),
  await driver.post([], body({ webhook: "http://127.0.0.1:1/" }), "webhook.test"),
  await driver.post([], body({ webhook: "http://127.0.0.1:1/forbidden" })),
  await driver.put([], body({ door_id: "main-1" }), "somebody"),
  await driver.put([], body({ door_id: "main-1" }), null),
  await driver.request("PUT", [["Accept", "*/*"]], body({ door_id: "2" })),
  await driver.delete([], body({ webhook: "http://127.0.0.1:1/" })),
  await driver.request("PATCH", [], none),
];
const handled: Response = await webhookHandler(driver, "webhook.test")(
  new Request("http://localhost/", { method: "PUT", body: '{"door_id":"main-1"}' }),
);
const event = '{"door_id":"main-1","action":"granted"}';
const acceptances: Acceptance[] = [
  await driver.on_door_event(event, "one"),
  await driver.on_door_event(event, "one"),
];
const refusal = await driver.on_door_event("{").catch((error: DoorEventError) => error);
await driver.update("{}");
driver.stop();
await running;
driver.free();

console.log(
  JSON.stringify({
    statuses: answers.map(([status]) => status),
    doors: answers[0]?.[2],
    handled: handled.status,
    acceptances,
    refusal: refusal instanceof Error && [refusal.name, refusal.kind, refusal.reason !== ""],
    seen: createHash("sha256").update(JSON.stringify(status)).digest("hex").length,
  }),
);
