// The page is for everybody: by keyboard, by screen reader, on a phone, in the dark.

import assert from "node:assert/strict";
import { test } from "node:test";

import { NARROW, WIDE, assertAccessible } from "./support/browser.mjs";
import { atPlayground, badge, mood, open, speed, subscribe } from "./support/playground.mjs";

const site = atPlayground();

test("the tour can be done with the keyboard alone", async () => {
  const page = await open(site.browser, site.server.url);
  await tabTo(page, "Subscribe");
  await page.keyboard.press("Enter");
  await page.locator("select[name=mood]").waitFor();

  await tabTo(page, "Ann Example");
  await page.keyboard.press("ArrowRight");
  await tabTo(page, "Main entrance");
  await page.keyboard.press("Enter");
  const first = page.locator("#receiver .log > li").first();
  await first.locator(".state", { hasText: "200" }).waitFor();
  assert.match(
    await page.locator("#building .told").textContent(),
    /^Bob Sample, Main entrance, granted: accepted/,
  );

  await tabTo(page, await first.locator("summary").first().textContent());
  await page.keyboard.press("Enter");
  await tabTo(page, "Verify its signatures");
  await page.keyboard.press("Enter");
  await page.getByText("The same: it is right").nth(1).waitFor();

  await tabTo(page, "How https://receiver.example/hook answers");
  // A list takes the choice whose name begins with what is typed.
  await page.keyboard.type("Fails");
  await tabTo(page, "Main entrance");
  for (let swipes = 0; swipes < 9; swipes += 1) await page.keyboard.press("Enter");
  await tabTo(page, "1×");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.locator("#outbox .state", { hasText: "paused" }).waitFor();
  await tabTo(page, "How https://receiver.example/hook answers");
  await page.keyboard.type("Healthy");
  await page.getByText("5 of 5 steps of the tour are done.").waitFor();
  await page.context().close();
});

for (const colorScheme of ["light", "dark"]) {
  for (const viewport of [WIDE, NARROW]) {
    test(`axe finds nothing, ${colorScheme}, ${viewport.width} wide`, async () => {
      const page = await open(site.browser, site.server.url, { colorScheme, viewport });
      await speed(page, "Paused");
      await assertAccessible(page, "at first");

      await everything(page);
      await assertAccessible(page, "with everything open");
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.equal(overflow <= 0, true, `it is ${overflow} px too wide`);
      await page.context().close();
    });
  }
}

/** Has something in every part of the page, and opens all that can be opened. */
async function everything(page) {
  await subscribe(page);
  await mood(page, "unwelcome");
  await badge(page, "Ann Example", "Main entrance");
  await page.getByRole("button", { name: "Unlock", exact: true }).click();
  const next = page.getByRole("button", { name: "To the next event" });
  while ((await page.getByRole("group", { name: "Dead letters" }).count()) === 0) await next.click();
  await mood(page, "busy");
  await badge(page, "Bob Sample", "Vault");
  while ((await page.locator("#outbox .state", { hasText: "paused" }).count()) === 0) await next.click();
  await page.getByRole("button", { name: "Fetch the fixtures" }).click();
  await page.getByRole("button", { name: "Play to the end" }).click();
  await page.getByText("steps came out as they must").waitFor();
  // Some are made when others are opened.
  for (let round = 0; round < 3; round += 1) {
    await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));
    await page.locator(".log details[open]").first().waitFor();
    await page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
  }
  await page.locator(".work").first().waitFor();
}

/** Goes on by the tabulator until what has this name has the focus. */
async function tabTo(page, name) {
  const seen = [];
  for (let presses = 0; presses < 200; presses += 1) {
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      return (element?.labels?.[0] ?? element)?.textContent?.trim() ?? "";
    });
    if (focused === name || focused.startsWith(`${name}`)) return;
    seen.push(focused.slice(0, 30));
    await page.keyboard.press("Tab");
  }
  assert.fail(`${name} is not reached; there were ${seen.join(", ")}`);
}
