// `node micro.mjs node MODULE` does work in Node, `node micro.mjs chrome MODULE` in a page of Chromium, as
// often as it is told: `micro/orders` says how.

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { startBrowser } from "../../web/tests/support/browser.mjs";
import { sampler } from "./sampler.mjs";

/** Where the page is from. Nobody is asked: it is answered here. */
const ORIGIN = "http://localhost";
const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};
/** What is in it: the repository. */
const FILES = new URL("../../", import.meta.url);

const [where, path] = process.argv.slice(2);
const places = { node: inNode, chrome: inChrome };
const place = await places[where](path);
for await (const line of createInterface({ input: process.stdin })) {
  const [work, size, times] = line.split(" ");
  const sample = await place.sample(work, Number(size), Number(times));
  console.log(sample.join(" "));
}
await place.end();

async function inNode(path) {
  const driver = await import(new URL("pkg/node.js", FILES));
  return { sample: await sampler(await readFile(path), driver), end: async () => {} };
}

async function inChrome(path) {
  const browser = await startBrowser();
  const page = await browser.newPage();
  await page.route(`${ORIGIN}/**`, (route) => answer(route, path));
  await page.goto(`${ORIGIN}/`);
  await page.evaluate(async () => {
    const [bytes, { sampler }, driver] = await Promise.all([
      fetch("/micro.wasm").then((answer) => answer.arrayBuffer()),
      import("/micro/js/sampler.mjs"),
      import("/pkg/browser.js"),
    ]);
    globalThis.sample = await sampler(bytes, driver);
  });
  return {
    sample: (...order) => page.evaluate((order) => globalThis.sample(...order), order),
    end: () => browser.close(),
  };
}

/** Answers what the page asks for; headers say that it is shared with no other, and so its clock is fine. */
function answer(route, module) {
  const { pathname } = new URL(route.request().url());
  if (pathname === "/") return route.fulfill({ headers: ISOLATED, contentType: "text/html", body: "" });
  const path = pathname === "/micro.wasm" ? module : fileURLToPath(new URL(`.${pathname}`, FILES));
  return route.fulfill({ headers: ISOLATED, path });
}
