// What happens in the building and what Rhombus asks, on the page: the real module answers.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";

import { atPlayground, badge, open, opened, speed, subscribe } from "./support/playground.mjs";

const site = atPlayground();

test("somebody who badges is told to the receiver, to the byte as the contract says", async () => {
  const page = await open(site.browser, site.server.url);
  await subscribe(page);
  await badge(page, "Ann Example", "Main entrance");

  const { url, headers, body } = await opened(page);
  const { timestamp } = JSON.parse(body);
  const expected = {
    door_id: "lobby",
    timestamp,
    signature: createHmac("sha256", "123456").update(timestamp).digest("hex"),
    action: "granted",
    card_id: "1001-0001",
    user_name: "Ann Example",
    user_email: "ann@example.org",
  };
  assert.match(timestamp, /^2026-06-01T08:00:\d\dZ$/);
  assert.equal(body, JSON.stringify(expected));
  assert.equal(url, "POST https://receiver.example/hook");
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const signature = createHmac("sha256", "123456").update(signed).digest("base64");
  assert.equal(headers["webhook-signature"], `v1,${signature}`);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("a person who is dragged to a door badges there", async () => {
  const page = await open(site.browser, site.server.url);
  await subscribe(page);
  const bob = page.locator(".people label", { hasText: "Bob Sample" });
  await bob.dragTo(page.locator(".door", { hasText: "Laboratory" }));

  const { body } = await opened(page);
  const { door_id, user_name } = JSON.parse(body);
  assert.deepEqual({ door_id, user_name }, { door_id: "laboratory", user_name: "Bob Sample" });
  await page.context().close();
});

test("an event without a person names none, and is told by its own name", async () => {
  const page = await open(site.browser, site.server.url);
  await subscribe(page);
  await page.getByText("More", { exact: true }).click();
  await page.getByRole("radio", { name: "Forced door" }).check();
  await page.locator(".door", { hasText: "Vault" }).click();

  const { body } = await opened(page);
  assert.deepEqual(Object.keys(JSON.parse(body)), ["door_id", "timestamp", "signature", "action"]);
  assert.equal(JSON.parse(body).action, "forced_door");
  await page.context().close();
});

test("without a secret nothing is signed", async () => {
  const page = await open(site.browser, site.server.url);
  await page.locator("input[name=secret]").fill("");
  await subscribe(page);
  await badge(page, "Ann Example", "Main entrance");

  const { headers, body } = await opened(page);
  assert.equal("webhook-signature" in headers, false);
  assert.equal("signature" in JSON.parse(body), false);
  await page.context().close();
});

test("who has unsubscribed is told nothing more", async () => {
  const page = await open(site.browser, site.server.url);
  await subscribe(page);
  await page.getByRole("button", { name: "Unsubscribe" }).click();
  await page.getByText("DELETE: 202").waitFor();
  await badge(page, "Ann Example", "Main entrance");

  await page.getByText("accepted, but nobody has subscribed yet").waitFor();
  await page.getByText("No POST has come yet.").waitFor();
  await page.getByRole("button", { name: "Unsubscribe" }).click();
  await page.getByText("DELETE: 404").waitFor();
  await page.context().close();
});

test("the three kinds of doors answer an unlock each in its way", async () => {
  const page = await open(site.browser, site.server.url);
  for (const [door, status] of [
    ["lobby", "200"],
    ["vault", "403"],
    ["loading-dock", "501"],
  ]) {
    await page.locator("select[name=door]").selectOption(door);
    await page.getByRole("button", { name: "Unlock", exact: true }).click();
    const latest = page.locator("#requests .log > li").first();
    await latest.locator("summary", { hasText: `PUT ${status}` }).waitFor();
    assert.equal(await latest.locator("pre").first().textContent(), `{"door_id":"${door}"}`);
  }
  await page.context().close();
});

test("a request that is refused is shown with its reason, as on the wire", async () => {
  const page = await open(site.browser, site.server.url);
  await page.getByText("Any other request").click();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  const latest = page.locator("#requests .log > li").first();
  await latest.locator("summary", { hasText: "POST 422" }).waitFor();
  const answer = await latest.locator("pre").last().textContent();
  assert.match(answer, /^422\nContent-Type: application\/json\n\n\{"error":"[^"]+"\}$/);
  await page.context().close();
});

test("time stands still while it is paused", async () => {
  const page = await open(site.browser, site.server.url);
  await speed(page, "Paused");
  await subscribe(page);
  await badge(page, "Ann Example", "Main entrance");
  const first = page.locator("#receiver .log > li").first();
  await first.locator(".state", { hasText: "under way" }).waitFor();
  await page.getByRole("button", { name: "To the next event" }).click();
  await first.locator(".state", { hasText: "200" }).waitFor();
  await page.getByRole("button", { name: "To the next event" }).click();
  await page.getByText("Nothing waits for time to pass.").waitFor();
  await page.context().close();
});

test("the page asks nobody but the server that it came from", async () => {
  const asked = [];
  const context = await site.browser.newContext();
  context.on("request", (request) => asked.push(new URL(request.url()).origin));
  const page = await context.newPage();
  await page.goto(site.server.url);
  await page.locator("#now", { hasText: "UTC" }).waitFor();
  await subscribe(page);
  await badge(page, "Ann Example", "Main entrance");
  await opened(page);
  assert.deepEqual([...new Set(asked.filter((origin) => origin !== "null"))], [new URL(site.server.url).origin]);
  await context.close();
});

test("a module that cannot be fetched is missed in so many words", async () => {
  const context = await site.browser.newContext();
  await context.route("**/*.wasm", (route) => route.fulfill({ status: 404 }));
  const page = await context.newPage();
  await page.goto(site.server.url);
  await page.locator("#now", { hasText: "The module does not load" }).waitFor();
  assert.equal(await page.getByRole("heading", { name: "Building" }).isVisible(), true);
  await context.close();
});

test("the tour's steps are ticked as they are done", async () => {
  const page = await open(site.browser, site.server.url);
  const done = (count) => page.getByText(`${count} of 5 steps of the tour are done.`).waitFor();
  await done(0);
  await subscribe(page);
  await done(1);
  await badge(page, "Ann Example", "Main entrance");
  await done(2);
  await opened(page);
  await page.getByText("Verify its signatures").click();
  await page.getByRole("button", { name: "Tamper with the body" }).click();
  await done(3);
  assert.equal(await page.locator(".tour .done").count(), 3);
  await page.context().close();
});
