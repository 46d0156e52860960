// The signatures that the page works out are those of another tool, and fail when something was changed.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";

import { atPlayground, badge, open, opened, subscribe } from "./support/playground.mjs";

const site = atPlayground();

test("each step of the verification is what another tool computes", async () => {
  const page = await signed("123456");
  const { headers, body } = await opened(page);
  const { timestamp, signature } = JSON.parse(body);
  await page.getByText("Verify its signatures").click();

  const key = "31 32 33 34 35 36";
  const ofTimestamp = createHmac("sha256", "123456").update(timestamp).digest("hex");
  assert.deepEqual(await steps(page, "The body's signature"), [key, timestamp, ofTimestamp, signature]);

  const message = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const ofAll = `v1,${createHmac("sha256", "123456").update(message).digest("base64")}`;
  assert.deepEqual(await steps(page, "The header webhook-signature"), [
    key,
    message,
    ofAll,
    headers["webhook-signature"],
  ]);
  assert.deepEqual(await verdicts(page), ["The same: it is right", "The same: it is right"]);
  await page.context().close();
});

for (const [how, padding] of [["with", "=="], ["without", ""]]) {
  test(`a whsec_ secret ${how} padding is decoded for the header, and taken as it is for the body`, async () => {
    const raw = Buffer.from("an invented key of 25 by.");
    const secret = `whsec_${raw.toString("base64").replace("==", padding)}`;
    const page = await signed(secret);
    const { headers, body } = await opened(page);
    await page.getByText("Verify its signatures").click();

    const hex = (bytes) => bytes.toString("hex").match(/../g).join(" ");
    const [bodyKey, , ofTimestamp] = await steps(page, "The body's signature");
    assert.equal(bodyKey, hex(Buffer.from(secret)));
    assert.equal(ofTimestamp, createHmac("sha256", secret).update(JSON.parse(body).timestamp).digest("hex"));

    const [headerKey, message, ofAll] = await steps(page, "The header webhook-signature");
    assert.equal(headerKey, hex(raw));
    assert.equal(ofAll, `v1,${createHmac("sha256", raw).update(message).digest("base64")}`);
    assert.equal(ofAll, headers["webhook-signature"]);
    assert.deepEqual(await verdicts(page), ["The same: it is right", "The same: it is right"]);
    await page.context().close();
  });
}

test("a body that was tampered with fails by the header, and not by its own signature", async () => {
  const page = await signed("123456");
  await opened(page);
  await page.getByText("Verify its signatures").click();
  await page.getByRole("button", { name: "Tamper with the body" }).click();
  await page.getByText("Different: it is not right").waitFor();
  assert.deepEqual(await verdicts(page), ["The same: it is right", "Different: it is not right"]);

  await page.getByRole("button", { name: "As it came" }).click();
  await page.getByText("Different: it is not right").waitFor({ state: "detached" });
  assert.deepEqual(await verdicts(page), ["The same: it is right", "The same: it is right"]);
  await page.context().close();
});

test("another secret verifies neither", async () => {
  const page = await signed("123456");
  await opened(page);
  await page.getByText("Verify its signatures").click();
  await page.getByLabel("Secret", { exact: true }).fill("654321");
  await page.getByText("Different: it is not right").nth(1).waitFor();
  assert.equal((await verdicts(page)).length, 2);
  await page.context().close();
});

/** A page with a POST to a receiver that has this secret. */
async function signed(secret) {
  const page = await open(site.browser, site.server.url);
  await page.locator("input[name=secret]").fill(secret);
  await subscribe(page);
  await badge(page, "Ann Example", "Main entrance");
  return page;
}

/** The key, the message, what was computed and what came. */
async function steps(page, title) {
  const work = page.getByRole("group", { name: title, exact: true });
  await work.waitFor();
  return work.locator("pre").allTextContents();
}

function verdicts(page) {
  return page.locator(".work [role=status]").allTextContents();
}
