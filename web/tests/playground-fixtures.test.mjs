// The project's fixtures, played on the page.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { atPlayground, open } from "./support/playground.mjs";

const folder = join(import.meta.dirname, "../../tests/fixtures");
const count = readdirSync(folder, { recursive: true }).filter((path) => path.endsWith(".json")).length;

const site = atPlayground();

test("every fixture of the project can be played, and passes", async () => {
  const page = await fetched();
  await page.getByRole("button", { name: "Play all" }).click();
  await page.locator("#all-fixtures", { hasText: "passed" }).waitFor();
  const told = await page.locator("#all-fixtures").textContent();
  // Those that fail are listed below.
  const failures = await page.locator("#fixtures .rules li").allTextContents();
  assert.deepEqual(failures, []);
  assert.equal(told, `${count} of ${count} fixtures passed.`);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("a fixture is played one step at a time, each with what was expected and what came", async () => {
  const page = await fetched();
  await page.locator("select[name=fixture]").selectOption("delivery/paused-after-eight-failures");
  const steps = page.locator(".play > li");
  await steps.first().waitFor();
  const all = await steps.count();
  await page.getByRole("button", { name: "Take the next step" }).click();
  await page.getByText(`1 of ${all} steps taken.`).waitFor();
  assert.equal(await steps.getByText("as expected").count(), 1);
  assert.equal(await steps.getByText("to come").count(), all - 1);
  const [what, expected, came] = await steps
    .first()
    .locator("tbody tr")
    .first()
    .locator("th, td")
    .allTextContents();
  assert.deepEqual([what, expected], ["answer", came]);

  await page.getByRole("button", { name: "Play to the end" }).click();
  await page.getByText(`All ${all} steps came out as they must.`).waitFor();
  await page.getByRole("button", { name: "From the beginning" }).click();
  await page.getByText(`0 of ${all} steps taken.`).waitFor();
  await page.context().close();
});

for (const [what, change] of [
  ["another answer", (fixture) => (fixture.steps[0].expect.status = 202)],
  ["a POST less", (fixture) => fixture.steps.forEach((step) => delete step.posts)],
  [
    "another body",
    (fixture) => fixture.steps.forEach((step) => (step.posts ?? []).forEach((post) => (post.body = {}))),
  ],
  ["a record more", (fixture) => fixture.steps.push({ do: "store", expect: { "subscription/": 2 } })],
  ["an answer later", (fixture) => (fixture.steps[0].after_ms = 1000)],
]) {
  test(`a fixture that expects ${what} fails`, async () => {
    const fixture = {
      about: "It is not so",
      steps: [
        {
          do: "request",
          method: "POST",
          body: { webhook: "https://webhooks.rhombussystems.com/a" },
          expect: { status: 201 },
        },
        {
          do: "event",
          event: { door_id: "lobby", action: "granted", timestamp: 1767225600 },
          expect: "accepted",
          posts: [
            {
              url: "https://webhooks.rhombussystems.com/a",
              body: { door_id: "lobby", timestamp: "2026-01-01T00:00:00Z", action: "granted" },
            },
          ],
        },
      ],
    };
    const right = JSON.stringify(fixture);
    change(fixture);
    const page = await fetched({ "a/right": right, "a/wrong": JSON.stringify(fixture) });
    await page.getByRole("button", { name: "Play all" }).click();
    await page.getByText("1 of 2 fixtures passed.").waitFor();
    assert.match(await page.locator("#fixtures .rules li").textContent(), /^a\/wrong: step \d: .*expected/);
    await page.context().close();
  });
}

/** A page that has fetched the fixtures, or these instead. */
async function fetched(instead) {
  const page = await open(site.browser, site.server.url);
  if (instead) await page.route("**/fixtures-*.json", (route) => route.fulfill({ json: instead }));
  await page.getByRole("button", { name: "Fetch the fixtures" }).click();
  await page.locator("select[name=fixture]").waitFor();
  return page;
}
