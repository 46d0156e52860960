// The screenshots of the README, made of the demo building: `npm run screenshots --prefix web`.

import { join } from "node:path";

import { NARROW, WIDE, openPage, startBrowser } from "./support/browser.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startReceiver } from "./support/receiver.mjs";
import { until } from "./support/until.mjs";

const folder = join(import.meta.dirname, "../screenshots");

/** What happens before the pictures are taken, over and over. */
const HAPPENS = [
  { door_id: "lobby", action: "granted", user_name: "Ann Example" },
  { door_id: "lobby", action: "request_to_exit" },
  { door_id: "office-1", action: "granted", user_name: "Bob Sample" },
  { door_id: "server-room", action: "denied", user_name: "Test User" },
  { door_id: "car-park", action: "granted", user_name: "Zoë Specimen" },
  { door_id: "stairs-east", action: "tamper" },
  { door_id: "lobby", action: "granted", user_name: "Invented Person" },
];

const gateway = await startGateway();
const receivers = [await startReceiver(), await startReceiver()];
const browser = await startBrowser();
try {
  for (const receiver of receivers) await gateway.subscribe(receiver.url, "123456");
  for (let event = 0; event < 21; event++) {
    if (event === 14) receivers[1].status = 503;
    await gateway.event({ ...HAPPENS[event % HAPPENS.length], timestamp: Math.floor(Date.now() / 1000) - 60 + 3 * event });
  }
  await until("the deliveries", () => receivers[0].posts.length === 21);
  for (const [name, options] of [
    ["console", { viewport: WIDE }],
    ["console-phone", { viewport: NARROW, colorScheme: "dark" }],
  ]) {
    const page = await openPage(browser, options);
    await page.goto(`${gateway.origin}/#key=${gateway.access.admin_key}`);
    await page.getByText("Paused").waitFor();
    await page.getByRole("img", { name: /^Backlog: \d/ }).waitFor();
    await page.screenshot({ path: join(folder, `${name}.png`) });
  }
} finally {
  await browser.close();
  await gateway.stop();
  for (const receiver of receivers) await receiver.stop();
}
