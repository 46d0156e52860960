// The playground as anybody may publish it, plain files from a server that knows nothing of it, but under
// the gateway's policy; and what a person does there.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { after, before } from "node:test";

import { openPage, startBrowser } from "./browser.mjs";

const folder = join(import.meta.dirname, "../../../target/web/playground");

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** A server and a browser for the tests of a file, from the first to the last. */
export function atPlayground() {
  const site = {};
  before(async () => {
    site.server = await serve();
    site.browser = await startBrowser();
  });
  after(async () => {
    await site.browser.close();
    site.server.close();
  });
  return site;
}

/** Serves the page below `/playground/`. */
export async function serve() {
  const server = createServer(async ({ url }, answer) => {
    const path = normalize(new URL(url, "http://localhost").pathname).replace(/^\/playground\//, "");
    const file = join(folder, path === "" ? "index.html" : path);
    try {
      const content = await readFile(file);
      answer.setHeader("Content-Type", TYPES[extname(file)]);
      answer.setHeader("Content-Security-Policy", POLICY);
      answer.end(content);
    } catch {
      answer.writeHead(404).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${server.address().port}/playground/`, close: () => server.close() };
}

/** A page on which the module is loaded. */
export async function open(browser, url, options) {
  const page = await openPage(browser, options);
  await page.goto(url);
  await page.locator("#now", { hasText: "UTC" }).waitFor();
  return page;
}

/** Subscribes the receiver that the form names. */
export async function subscribe(page) {
  await page.getByRole("button", { name: "Subscribe", exact: true }).click();
  await page.locator("#receiver select[name=mood]").waitFor();
}

/** Lets `person` come to the door that is labelled `door`. */
export async function badge(page, person, door) {
  await page.getByRole("radio", { name: person }).check();
  await page.locator(".door", { hasText: door }).click();
}

/** How fast time runs: "Paused", "1×" to "600×". */
export async function speed(page, label) {
  await page.getByRole("radio", { name: label, exact: true }).check();
}

/** How the receiver answers from now on. */
export async function mood(page, name) {
  await page.locator("select[name=mood]").selectOption(name);
}

/** The latest POST that the receiver got, opened: its request line, headers by name, and body. */
export async function opened(page) {
  const latest = page.locator("#receiver .log > li").first();
  await latest.locator(".state", { hasText: "200" }).waitFor();
  await latest.locator("summary").first().click();
  await latest.locator("details pre").first().waitFor();
  const [head, body] = await latest
    .locator("details pre")
    .evaluateAll((parts) => parts.map((part) => part.textContent));
  const [url, ...lines] = head.split("\n");
  const headers = Object.fromEntries(lines.map((line) => line.split(/: (.*)/s).slice(0, 2)));
  return { url, headers, body };
}
