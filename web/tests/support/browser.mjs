// Chromium, and what is checked of every page in it.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { chromium } from "playwright-core";

import { GENEROUS } from "./until.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const WIDE = { width: 1280, height: 900 };
export const NARROW = { width: 390, height: 844 };

/** What set-up takes for a browser. */
const PROGRAMS = ["/usr/bin/chromium", "/usr/bin/google-chrome"];

/** Chromium's sandbox does not work for root, which is who runs containers. */
export const startBrowser = () =>
  chromium.launch({
    executablePath: PROGRAMS.find((program) => existsSync(program)),
    args: process.getuid() === 0 ? ["--no-sandbox"] : [],
  });

/**
 * A page in a context of its own. `heard` gathers all that it was answered, and `errors` what went wrong
 * in it: what breaks the content security policy is told there too.
 */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: WIDE, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(GENEROUS);
  page.setDefaultNavigationTimeout(GENEROUS);
  page.heard = [];
  page.errors = [];
  page.on("response", async (response) => {
    page.heard.push(JSON.stringify(await response.allHeaders().catch(() => ({}))));
    if (response.headers()["content-type"] === "text/event-stream") return;
    page.heard.push(await response.text().catch(() => ""));
  });
  page.on("pageerror", (error) => page.errors.push(error.message));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) page.errors.push(message.text());
  });
  return page;
}

/** Asserts that axe finds nothing to blame. It is put in by the debugger, so the page's policy holds. */
export async function assertAccessible(page, state) {
  await page.evaluate(`${axe}; undefined`);
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  assert.deepEqual(found, [], state);
  assert.ok(passes.length > 0, state);
}

/** Asserts that nothing in the page, or in what it was answered, holds one of the secrets. */
export async function assertSecretFree(page, secrets) {
  const seen = [await page.content(), ...page.heard];
  for (const secret of secrets) {
    assert.ok(secret.length > 8);
    assert.ok(!seen.some((text) => text.includes(secret)), "a secret is shown");
  }
}
