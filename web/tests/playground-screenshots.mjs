// What the playground looks like, into `web/screenshots/`.

import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { NARROW, startBrowser } from "./support/browser.mjs";
import { badge, mood, open, serve, speed, subscribe } from "./support/playground.mjs";

const folder = join(import.meta.dirname, "../screenshots");

const WIDE = { width: 1280, height: 720 };
const VIEWS = [
  ["wide-light", { viewport: WIDE, colorScheme: "light" }, ["receiver", "outbox", "fixtures"]],
  ["wide-dark", { viewport: WIDE, colorScheme: "dark" }, []],
  ["narrow-light", { viewport: NARROW, colorScheme: "light" }, []],
  ["narrow-dark", { viewport: NARROW, colorScheme: "dark" }, ["outbox"]],
];

mkdirSync(folder, { recursive: true });
const server = await serve();
const browser = await startBrowser();
for (const [name, options, parts] of VIEWS) {
  const page = await open(browser, server.url, options);
  await speed(page, "Paused");
  await story(page);
  await page.evaluate(() => scrollTo(0, 0));
  await shoot(page, name);
  await page.locator("#receiver .log summary").first().click();
  for (const part of parts) {
    await page.locator(`#${part}`).evaluate((element) => element.scrollIntoView());
    await shoot(page, `${name}-${part}`);
  }
  await page.context().close();
}
await browser.close();
server.close();

/** A receiver that works, breaks, and is paused; and a fixture. */
async function story(page) {
  const next = page.getByRole("button", { name: "To the next event" });
  await subscribe(page);
  await badge(page, "Ann Example", "Main entrance");
  await next.click();
  await page.locator("#receiver .log .state.good").waitFor();
  await mood(page, "fails");
  await badge(page, "Bob Sample", "Main entrance");
  await badge(page, "Zoë Specimen", "Laboratory");
  await badge(page, "Test User", "Laboratory");
  await badge(page, "Invented Person", "Vault");
  while ((await page.locator("#outbox .state.warn").count()) === 0) await next.click();
  for (let probes = 0; probes < 6; probes += 1) await next.click();
  await page.getByRole("button", { name: "Fetch the fixtures" }).click();
  await page.locator("select[name=fixture]").selectOption("post/changes-the-secret");
  await page.getByRole("button", { name: "Take the next step" }).click();
  await page.locator("#fixtures .checks").waitFor();
}

async function shoot(page, name) {
  await page.screenshot({ path: join(folder, `playground-${name}.png`) });
}
