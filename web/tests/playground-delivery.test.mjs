// A receiver breaks and is mended, in time that runs as fast as is wanted.

import assert from "node:assert/strict";
import { test } from "node:test";

import { atPlayground, badge, mood, open, speed, subscribe } from "./support/playground.mjs";

const site = atPlayground();

test("a receiver that fails is paused, and gets all in the order of each door once it is mended", async () => {
  const page = await subscribed();
  await mood(page, "fails");
  const guests = ["Ann Example", "Bob Sample", "Zoë Specimen", "Test User"];
  for (const guest of guests) await badge(page, guest, "Main entrance");
  await badge(page, "Invented Person", "Laboratory");
  await badge(page, "Ann Example", "Vault");
  await speed(page, "60×");
  await state(page, "paused");
  await page.locator("#outbox", { hasText: "the receiver answered 500" }).waitFor();
  await page.locator(".timeline .paused").first().waitFor({ state: "attached" });
  assert.equal(await figure(page, "pending"), "6");

  await mood(page, "healthy");
  await state(page, "open");
  await page.getByText("Nothing waits.").waitFor();
  assert.deepEqual(await delivered(page, "lobby"), guests);
  // All but the verification.
  await page.getByText("4 of 5 steps of the tour are done.").waitFor();
  await page.context().close();
});

test("a busy receiver is left alone for as long as it says", async () => {
  const page = await subscribed();
  await speed(page, "Paused");
  await mood(page, "busy");
  await badge(page, "Ann Example", "Main entrance");
  await next(page);
  await state(page, "paused");
  assert.equal(await figure(page, "next probe"), "in 2 min");
  await mood(page, "healthy");
  const before = await now(page);
  // The probe begins, and a moment later it ends.
  await next(page);
  assert.equal((await now(page)) - before, 120_000);
  await next(page);
  await state(page, "open");
  await page.context().close();
});

test("a receiver that says three times that it is gone is disabled, until an operator enables it", async () => {
  const page = await subscribed();
  await mood(page, "gone");
  await badge(page, "Ann Example", "Main entrance");
  await speed(page, "60×");
  await state(page, "disabled");
  const letter = page.getByRole("group", { name: "Dead letters" }).locator("tbody tr");
  await letter.waitFor();

  await mood(page, "healthy");
  await page.getByRole("button", { name: "Enable it now" }).click();
  await state(page, "open");
  await letter.getByRole("button", { name: "Send again" }).click();
  await letter.waitFor({ state: "detached" });
  await page.getByText("Nothing waits.").waitFor();
  assert.deepEqual(await delivered(page, "lobby"), ["Ann Example"]);
  await page.context().close();
});

test("a body that is disliked three times becomes a dead letter, and the subscriber stays open", async () => {
  const page = await subscribed();
  await mood(page, "unwelcome");
  await badge(page, "Ann Example", "Main entrance");
  await speed(page, "10×");
  await page.getByRole("group", { name: "Dead letters" }).locator("tbody tr").waitFor();
  await state(page, "open");
  assert.equal(await page.locator("#receiver .log > li").count(), 3);
  await page.context().close();
});

test("a receiver that hangs is given ten seconds", async () => {
  const page = await subscribed();
  await speed(page, "Paused");
  await mood(page, "hangs");
  await badge(page, "Ann Example", "Main entrance");
  await page.locator("#outbox .lane", { hasText: "under way" }).waitFor();
  const before = await now(page);
  await next(page);
  await page.locator("#receiver .log .state", { hasText: "timeout" }).waitFor();
  assert.equal((await now(page)) - before, 10_000);
  await page.context().close();
});

test("what waits survives the end of the module", async () => {
  const page = await subscribed();
  await mood(page, "unreachable");
  await badge(page, "Ann Example", "Main entrance");
  await page.locator("#outbox .lane", { hasText: "1 attempt" }).waitFor();
  await page.getByRole("button", { name: "Kill the module" }).click();
  await mood(page, "healthy");
  await speed(page, "10×");
  await page.getByText("Nothing waits.").waitFor();
  assert.deepEqual(await delivered(page, "lobby"), ["Ann Example"]);
  await page.context().close();
});

async function subscribed() {
  const page = await open(site.browser, site.server.url);
  await subscribe(page);
  return page;
}

function state(page, name) {
  return page.locator(".subscriber header .state", { hasText: name }).waitFor();
}

async function figure(page, name) {
  return page
    .locator(".figures div", { has: page.getByText(name, { exact: true }) })
    .locator("dd")
    .textContent();
}

/** Virtual time, to the second, in milliseconds since midnight. */
async function now(page) {
  const [, hours, minutes, seconds] = /(\d\d):(\d\d):(\d\d) UTC/.exec(
    await page.locator("#now").textContent(),
  );
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

async function next(page) {
  const before = await page.locator("#now").textContent();
  const attempts = () => page.locator("#receiver .log .state").allTextContents().then(String);
  const was = await attempts();
  await page.getByRole("button", { name: "To the next event" }).click();
  while ((await attempts()) === was && (await page.locator("#now").textContent()) === before) {
    await page.waitForTimeout(20);
  }
}

/** Whose events of a door were delivered, the first that came first. */
async function delivered(page, door) {
  const entries = page
    .locator("#receiver .log > li", { hasText: door })
    .filter({ has: page.locator(".state.good") });
  const names = [];
  for (const entry of (await entries.all()).reverse()) {
    await entry.locator("summary").first().click();
    const body = await entry.getByRole("group", { name: /body$/ }).textContent();
    names.push(JSON.parse(body).user_name);
    await entry.locator("summary").first().click();
  }
  return names;
}
