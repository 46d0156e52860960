// The package as it is installed: packed, put into an empty project, and used.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

const PAGE = `<!doctype html>
<script type="importmap">{ "imports": { "rhombus-driver": "/browser.js" } }</script>
<script type="module">
  const told = (error) => fetch("/failed", { method: "POST", body: String(error) });
  addEventListener("error", (event) => told(event.message));
  addEventListener("unhandledrejection", (event) => told(event.reason));

  const { RhombusDriver, fetchHttp, memoryStorage, webhookHandler } = await import("rhombus-driver");
  const doors = { systems: async () => [], list: async () => [], unlock: async () => "refused" };
  const host = { storage: memoryStorage(), http: fetchHttp(), doors, settings: { save: async () => {} } };
  const driver = await RhombusDriver.load(host, '{"allowed_hosts":["127.0.0.1"]}');
  driver.run();
  const body = JSON.stringify({ webhook: new URL("/receiver", location).href, secret: "123456" });
  const answer = await webhookHandler(driver)(new Request("/", { method: "POST", body }));
  if (answer.status !== 201) throw new Error(answer.status + await answer.text());
  await driver.on_door_event('{"door_id":"lobby","action":"granted","timestamp":1649030365}');
</script>`;

const here = import.meta.dirname;
const pkg = join(here, "../../pkg");
const tool = (name) => join(here, "node_modules/.bin", name);

let project;
let tarball;

const run = (program, args, cwd = project) => execFileSync(program, args, { cwd, encoding: "utf8" });

before(() => {
  project = mkdtempSync(join(tmpdir(), "rhombus-driver-"));
  const [packed] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", project], pkg));
  tarball = join(project, packed.filename);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball]);
});

after(() => rmSync(project, { recursive: true, force: true }));

test("the types in git are those that the code exports", () => {
  compile(here, ["exact.ts"], { noEmit: true });
});

test("a strict TypeScript project uses it in Node", () => {
  copyFileSync(join(here, "host.ts"), join(project, "host.ts"));
  compile(project, ["host.ts"], { outDir: "out" });
  const printed = JSON.parse(run("node", ["out/host.js"]).trim().split("\n").at(-1));
  assert.deepEqual(printed, {
    statuses: [200, 201, 422, 200, 200, 403, 202, 405],
    doors: '[{"door_id":"main-1","description":"Lobby"},{"door_id":"2"}]',
    handled: 200,
    acceptances: ["accepted", "known"],
    refusal: ["DoorEventError", "rejected", true],
    seen: 64,
  });
});

test("the README's example serves the webhook and delivers a signed event", async (t) => {
  const [, example] = readFileSync(join(pkg, "README.md"), "utf8").match(/```js\n(.*?)```/s);
  writeFileSync(join(project, "server.mjs"), example);
  const server = spawn("node", ["server.mjs"], {
    cwd: project,
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => server.kill());
  const [line] = await once(server.stdout.setEncoding("utf8"), "data");
  const url = `http://127.0.0.1:${/listening on (\d+)/.exec(line)[1]}`;

  const received = withResolvers();
  const receiver = createServer(async (incoming, outgoing) => {
    let body = "";
    for await (const part of incoming.setEncoding("utf8")) body += part;
    outgoing.end();
    received.resolve({ headers: incoming.headers, body });
  });
  t.after(() => receiver.close());
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const webhook = `http://127.0.0.1:${receiver.address().port}/`;

  const ask = async (method, path, body) => {
    const answer = await fetch(url + path, { method, body: body && JSON.stringify(body) });
    return [answer.status, await answer.text()];
  };
  assert.deepEqual(await ask("POST", "/", { webhook, secret: "123456" }), [201, ""]);
  assert.deepEqual(await ask("GET", "/"), [200, '[{"door_id":"lobby","description":"Lobby"}]']);
  assert.equal((await ask("PUT", "/", { door_id: "lobby" }))[0], 200);
  assert.equal((await ask("PUT", "/", { door_id: "vault" }))[0], 403);
  assert.equal((await ask("POST", "/", "x".repeat(1048576)))[0], 413);
  const event = { door_id: "lobby", action: "granted", timestamp: 1649030365 };
  assert.deepEqual(await ask("POST", "/event", event), [200, "accepted"]);

  const { headers, body } = await received.promise;
  // By another tool than this one: README.md.
  const signature = "a276988a8dbd35627d09708b23ca699947114a6f2ab6b38465f0e632fe264342";
  assert.deepEqual(JSON.parse(body), {
    door_id: "lobby",
    timestamp: "2022-04-03T23:59:25Z",
    signature,
    action: "granted",
  });
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const expected = createHmac("sha256", "123456").update(signed).digest("base64");
  assert.equal(headers["webhook-signature"], `v1,${expected}`);
  assert.deepEqual(await ask("DELETE", "/", { webhook }), [202, ""]);
});

test("a page in Chrome uses it, and delivers to its own server", async (t) => {
  const received = withResolvers();
  const server = createServer(async (incoming, outgoing) => {
    if (incoming.method === "POST") {
      let body = "";
      for await (const part of incoming.setEncoding("utf8")) body += part;
      outgoing.end();
      if (incoming.url === "/receiver") received.resolve(JSON.parse(body));
      else received.reject(new Error(body));
    } else if (incoming.url === "/") {
      outgoing.writeHead(200, { "Content-Type": "text/html" }).end(PAGE);
    } else if (/^\/[a-z_]+\.(js|wasm)$/.test(incoming.url)) {
      const type = incoming.url.endsWith(".js") ? "text/javascript" : "application/wasm";
      const file = join(project, "node_modules/rhombus-driver", incoming.url);
      outgoing.writeHead(200, { "Content-Type": type }).end(readFileSync(file));
    } else {
      outgoing.writeHead(404).end();
    }
  });
  t.after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const switches = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    `--user-data-dir=${join(project, "profile")}`,
  ];
  const url = `http://127.0.0.1:${server.address().port}/`;
  const chrome = spawn(browser(), [...switches, url], { stdio: "ignore" });
  const ended = once(chrome, "exit");
  t.after(async () => {
    chrome.kill();
    await ended;
  });
  assert.deepEqual(await Promise.race([received.promise, ended]), {
    door_id: "lobby",
    timestamp: "2022-04-03T23:59:25Z",
    signature: "a276988a8dbd35627d09708b23ca699947114a6f2ab6b38465f0e632fe264342",
    action: "granted",
  });
});

test("publint finds nothing", () => {
  run(tool("publint"), ["--strict", tarball]);
});

test("are-the-types-wrong finds nothing", () => {
  run(tool("attw"), ["--profile", "esm-only", tarball]);
});

/** Compiles in strict mode, with all that there is of strictness. */
function compile(folder, files, options) {
  const config = {
    compilerOptions: {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      verbatimModuleSyntax: true,
      target: "ES2022",
      module: "NodeNext",
      types: ["node"],
      typeRoots: [join(here, "node_modules/@types")],
      ...options,
    },
    files: files.map((file) => join(folder, file)),
  };
  const own = join(project, "config");
  mkdirSync(own, { recursive: true });
  const path = join(folder === project ? project : own, "tsconfig.json");
  writeFileSync(path, JSON.stringify(config));
  try {
    run(tool("tsc"), ["--project", path]);
  } catch (error) {
    assert.fail(`tsc: ${error.stdout}`);
  }
}

/** The browser that there is. */
function browser() {
  const runs = (name) => spawnSync(name, ["--version"]).status === 0;
  const found = ["chromium", "google-chrome"].find(runs);
  assert.ok(found, "there is no Chromium; run: cargo xtask setup");
  return found;
}

function withResolvers() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}
