// The console as an operator uses it: in a browser, against the real program and real receivers.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

import {
  NARROW,
  assertAccessible,
  assertSecretFree,
  openPage,
  startBrowser,
} from "./support/browser.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startReceiver } from "./support/receiver.mjs";
import { until } from "./support/until.mjs";

const SECRET = "secret-of-the-subscription";

let browser;
let gateway;
let receiver;
/** All pages of a test: in the end nothing secret may have been in any of them. */
let pages;

before(async () => {
  browser = await startBrowser();
});
after(() => browser.close());

beforeEach(async () => {
  pages = [];
  gateway = await startGateway();
  receiver = await startReceiver();
});
afterEach(async () => {
  try {
    const told = await gateway.told(receiver.posts.length ? "receivers" : "status");
    for (const page of pages) {
      page.heard.push(told);
      assert.deepEqual(page.errors, []);
      await assertSecretFree(page, [...gateway.secrets, receiver.token, SECRET]);
      await page.context().close();
    }
  } finally {
    await gateway.stop();
    await receiver.stop();
  }
});

/** A page at the console, or what `options` make of it. */
async function open(path = "/", options = {}) {
  const page = await openPage(browser, options);
  pages.push(page);
  await page.goto(gateway.origin + path);
  return page;
}

/** The console, logged in by the link that a terminal shows. */
async function openConsole(options) {
  const page = await open(`/#key=${gateway.access.admin_key}`, options);
  await page.getByText("Live", { exact: true }).waitFor();
  return page;
}

const panel = (page, name) => page.getByRole("region", { name, exact: true });
const button = (where, name) => where.getByRole("button", { name, exact: true });
const notice = (page, text) => page.getByRole("status").filter({ hasText: text }).waitFor();

const granted = (door_id, user_name) => gateway.event({ door_id, action: "granted", user_name });

test("whoever has the admin key logs in, and nobody else", async () => {
  const page = await open();
  const key = page.getByLabel("Admin key");
  await key.fill("a-wrong-key");
  await button(page, "Log in").click();
  await page.getByRole("alert").filter({ hasText: "this is not the gateway's admin key" }).waitFor();
  await assertAccessible(page, "a wrong key");

  await key.fill(gateway.access.admin_key);
  await page.keyboard.press("Enter");
  await panel(page, "Doors").waitFor();
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.secure], [true, "Strict", false]);
  assert.equal(await page.evaluate(() => document.cookie + localStorage.length + sessionStorage.length), "00");

  await page.reload();
  await panel(page, "Doors").waitFor();
  await button(page, "Log out").click();
  await key.waitFor();
  await page.reload();
  await key.waitFor();
  assert.deepEqual(await page.context().cookies(), []);
});

test("a link with the key logs in, and the key is gone from the address bar and the history", async () => {
  const page = await openConsole();
  assert.equal(page.url(), `${gateway.origin}/`);
  await page.goto("about:blank");
  await page.goBack();
  await panel(page, "Doors").waitFor();
  assert.equal(page.url(), `${gateway.origin}/`);
});

test("the frame is there before any script", async () => {
  const page = await open("/", { javaScriptEnabled: false });
  await page.getByRole("heading", { name: "Rhombus driver" }).waitFor();
  const bar = await page.getByRole("banner").boundingBox();
  assert.ok(bar.height > 40, "its style is there too");
});

test("an event arrives while one looks on, and its door shows it", async () => {
  await granted("laboratory", "Somebody Before");
  const page = await openConsole();
  const events = panel(page, "Door events").getByRole("listitem");
  await events.filter({ hasText: "Somebody Before" }).waitFor();
  await granted("lobby", "Ann Example");
  const event = events.first();
  await event.filter({ hasText: "Ann Example" }).waitFor();
  assert.match(await event.innerText(), /lobby[^]*Granted/);
  const door = panel(page, "Doors").getByRole("listitem").filter({ hasText: "Main entrance" });
  assert.match(await door.innerText(), /Granted[^]*Ann Example/);

  const hold = button(page, "Hold still");
  await hold.click();
  await granted("vault", "Bob Sample");
  await panel(page, "Doors").getByText("Bob Sample").waitFor();
  assert.equal(await events.filter({ hasText: "Bob Sample" }).count(), 0);
  await hold.click();
  await events.filter({ hasText: "Bob Sample" }).waitFor();
  await assertAccessible(page, "events");
});

test("an unlock is asked first, and what came of it is told and recorded", async () => {
  const page = await openConsole();
  const dialog = page.getByRole("dialog");
  const unlock = async (name) => {
    await button(panel(page, "Doors"), `Unlock ${name}`).click();
    await dialog.getByText(`Unlock ${name}?`).waitFor();
  };
  await unlock("Main entrance, ground floor");
  await assertAccessible(page, "a question");
  await button(dialog, "Cancel").click();
  await dialog.waitFor({ state: "hidden" });
  assert.deepEqual((await gateway.call("unlocks", {})).unlocks, []);

  await unlock("Main entrance, ground floor");
  await button(dialog, "Unlock").click();
  await notice(page, "Main entrance, ground floor: unlocked.");
  await panel(page, "Unlocks of the last day").getByText("by operator").waitFor();
  const { unlocks } = await gateway.call("unlocks", {});
  assert.deepEqual(
    unlocks.map(({ door_id, caller, outcome }) => [door_id, caller, outcome]),
    [["lobby", "operator", "unlocked"]],
  );

  await unlock("Vault; never opens from afar");
  await button(dialog, "Unlock").click();
  await notice(page, "It failed: ");
  await panel(page, "Unlocks of the last day").getByText("Refused").waitFor();
  await assertAccessible(page, "unlocks");
});

test("a receiver that breaks is seen to wait, and is mended: a test event, and enable", async () => {
  await gateway.subscribe(receiver.url, SECRET);
  const page = await openConsole();
  const subscription = panel(page, "Subscriptions").getByRole("listitem").filter({ hasText: receiver.shown });
  await subscription.getByText("Open").waitFor();
  await granted("lobby", "Ann Example");
  await until("its first delivery", () => receiver.posts.length === 1);
  await subscription.filter({ hasText: /Last success\s*\d\d:\d\d:\d\d/ }).waitFor();

  receiver.status = 503;
  await granted("office-1", "Bob Sample");
  await subscription.getByText("Paused").waitFor();
  await subscription.filter({ hasText: /Last error\s*[\d:]+ answered 503/ }).waitFor();
  await subscription.filter({ hasText: /Waiting\s*1\s*Oldest\s*\d\d:/ }).waitFor();
  const waiting = panel(page, "Deliveries that wait").getByRole("listitem").filter({ hasText: "office-1" });
  await waiting.filter({ hasText: /\d attempts?/ }).waitFor();
  await button(subscription, `Send a test event to ${receiver.shown}`).click();
  await notice(page, `${receiver.shown} answered 503.`);
  await assertAccessible(page, "a paused subscription");

  receiver.status = 200;
  // Unless a probe has opened it meanwhile, this does.
  await gateway.call("enable", { subscription: (await subscriptions()).at(0).id });
  await subscription.getByText("Open").waitFor();
  await panel(page, "Deliveries that wait").getByText("Nothing waits.").waitFor();
  await until("what waited", () => receiver.posts.some(({ door_id }) => door_id === "office-1"));
});

test("what was given up has its reason, and is redelivered or discarded", async () => {
  await gateway.subscribe(receiver.url, SECRET);
  receiver.status = 410;
  for (const door of ["lobby", "office-1", "vault"]) await granted(door, "Ann Example");
  const page = await openConsole();
  const subscription = panel(page, "Subscriptions").getByRole("listitem").filter({ hasText: receiver.shown });
  await subscription.getByText("Disabled").waitFor();
  await page.getByRole("status").filter({ hasText: "is disabled" }).waitFor();
  const dead = panel(page, "Dead letters");
  const letter = (door) => dead.getByRole("listitem").filter({ hasText: door });
  await letter("lobby").filter({ hasText: "the receiver said that it is gone" }).waitFor();
  await letter("office-1").waitFor();
  await letter("vault").waitFor();
  await assertAccessible(page, "dead letters");

  await letter("lobby").getByRole("button", { name: /^Redeliver/ }).click();
  await notice(page, "its subscription is disabled; enable it first");

  receiver.status = 200;
  await button(subscription, `Enable ${receiver.shown}`).click();
  await subscription.getByText("Open").waitFor();
  receiver.posts.length = 0;
  await letter("lobby").getByRole("button", { name: /^Redeliver/ }).click();
  await notice(page, "Sent again: 1.");
  await until("the dead letter", () => receiver.posts.some(({ door_id }) => door_id === "lobby"));
  await letter("lobby").waitFor({ state: "detached" });

  await letter("vault").getByRole("button", { name: /^Discard/ }).click();
  await button(page.getByRole("dialog"), "Discard").click();
  await notice(page, "Discarded: 1.");
  await letter("vault").waitFor({ state: "detached" });
  assert.ok(await isFocused(dead.getByRole("heading")), "who was on the row stays in the list");

  await button(subscription, `Redeliver all dead letters of ${receiver.shown}`).click();
  await dead.getByText("Nothing was given up.").waitFor();
  await until("the other one", () => receiver.posts.some(({ door_id }) => door_id === "office-1"));
  assert.ok(receiver.posts.every(({ door_id }) => door_id !== "vault"));
});

test("an event that cannot be read is shown with its reason, as text", async () => {
  const hostile = "<img src=x onerror=document.title=1>";
  const page = await openConsole();
  await assert.rejects(gateway.event({ action: hostile }), /422/);
  await panel(page, "Events that could not be read").getByText(hostile, { exact: false }).first().waitFor();
  await gateway.event({ door_id: hostile, action: "granted", user_name: hostile });
  await panel(page, "Door events").getByText(hostile).first().waitFor();
  assert.equal(await page.locator("img").count(), 0);
  await assertAccessible(page, "a rejected event");
});

test("the last hour is drawn, and told in numbers", async () => {
  await gateway.subscribe(receiver.url, SECRET);
  for (let event = 0; event < 3; event++) await granted("lobby", `Number ${event}`);
  await until("the deliveries", () => receiver.posts.length === 3);
  const page = await openConsole();
  const charts = page.getByRole("region", { name: "The last hour" });
  for (const title of ["Events a minute", "Delivery latency", "Backlog"]) {
    await charts.getByRole("img", { name: new RegExp(`^${title}: `) }).waitFor();
  }
  await charts.getByText("As a table").click();
  const rows = await charts.getByRole("row").allInnerTexts();
  assert.equal(rows.length, 61);
  const sum = (column) => rows.slice(1).reduce((sum, row) => sum + Number(row.split("\t")[column]), 0);
  assert.deepEqual([sum(1), sum(2)], [3, 3]);
  assert.ok(rows.some((row) => / ms/.test(row)), rows.join("\n"));
  await assertAccessible(page, "the table of the charts");
});

test("all is done by the keyboard alone", async () => {
  const page = await open();
  // The field has the focus.
  await page.getByLabel("Admin key").waitFor();
  await page.keyboard.type(gateway.access.admin_key);
  await page.keyboard.press("Enter");
  const unlock = button(panel(page, "Doors"), "Unlock Main entrance, ground floor");
  await unlock.waitFor();
  await tabTo(page, unlock);
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  // The harmless answer comes first, and Escape is that one too.
  assert.ok(await isFocused(button(dialog, "Cancel")));
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  assert.ok(await isFocused(unlock));
  // What happens at the door meanwhile does not take the focus away.
  await granted("lobby", "Ann Example");
  await panel(page, "Doors").getByText("Ann Example").waitFor();
  assert.ok(await isFocused(unlock));
  await page.keyboard.press("Enter");
  await dialog.waitFor();
  await page.keyboard.press("Tab");
  assert.ok(await isFocused(button(dialog, "Unlock")));
  await page.keyboard.press("Enter");
  await notice(page, "Main entrance, ground floor: unlocked.");
  await tabTo(page, button(page, "Dismiss"));
  await page.keyboard.press("Enter");
  await page.getByText("Main entrance, ground floor: unlocked.").waitFor({ state: "detached" });
});

test("it is as usable on a phone, in the dark and in the light", async () => {
  await gateway.subscribe(receiver.url, SECRET);
  receiver.status = 410;
  for (const door of ["lobby", "office-1", "vault"]) await granted(door, "Ann Example");
  for (const viewport of [NARROW, undefined]) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await openConsole({ colorScheme, ...(viewport && { viewport }) });
      await panel(page, "Dead letters").getByRole("listitem").nth(2).waitFor();
      await panel(page, "Doors").getByText("Granted").first().waitFor();
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${overflow} px too wide`);
      const heights = await page.getByRole("button").evaluateAll((all) => all.map((one) => one.offsetHeight));
      assert.ok(heights.every((height) => height >= 44), heights.join());
      await assertAccessible(page, `${colorScheme}, ${viewport ? "narrow" : "wide"}`);
    }
  }
});

test("whoever is logged out elsewhere is asked for the key again", async () => {
  const page = await openConsole();
  const other = await page.context().newPage();
  await other.goto(gateway.origin);
  await button(other, "Log out").click();
  await page.getByLabel("Admin key").waitFor();
});

async function subscriptions() {
  const answer = await fetch(`${gateway.origin}/api/status`, {
    headers: { Authorization: `Bearer ${gateway.access.admin_key}` },
  });
  return (await answer.json()).subscriptions;
}

const isFocused = (locator) => locator.evaluate((element) => element === document.activeElement);

/** Presses Tab until the element has the focus; it must be reached. */
async function tabTo(page, locator) {
  for (let presses = 0; presses < 100; presses++) {
    if (await isFocused(locator)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail("it is not reached by Tab");
}
