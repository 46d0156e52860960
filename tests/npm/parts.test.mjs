// The parts of the package that are written by hand.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

import { fetchHttp } from "../../pkg/fetch.js";
import { memoryStorage } from "../../pkg/memory.js";
import { webhookHandler } from "../../pkg/webhook.js";

/** Starts a server and gives its URL. */
async function serve(t, listener) {
  const server = createServer(listener);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${server.address().port}/`;
}

const post = (url, timeout_ms = 60_000) =>
  fetchHttp().post({
    url,
    headers: [["Content-Type", "application/json"], ["webhook-id", "one"]],
    body: '{"door_id":"1"}',
    timeout_ms,
    wanted: ["retry-after"],
  });

test("a POST arrives as it was, and is answered with what is wanted", async (t) => {
  let arrived;
  const url = await serve(t, async (incoming, outgoing) => {
    arrived = { headers: incoming.headers, body: "" };
    for await (const part of incoming.setEncoding("utf8")) arrived.body += part;
    outgoing.writeHead(503, { "Retry-After": "7", "X-Other": "1" }).end("later");
  });
  assert.deepEqual(await post(url), { status: 503, headers: [["retry-after", "7"]] });
  assert.equal(arrived.body, '{"door_id":"1"}');
  assert.equal(arrived.headers["content-type"], "application/json");
  assert.equal(arrived.headers["webhook-id"], "one");
});

test("a redirect is not followed", async (t) => {
  const seen = [];
  const url = await serve(t, (incoming, outgoing) => {
    seen.push(incoming.url);
    outgoing.writeHead(307, { Location: "/elsewhere" }).end();
  });
  assert.deepEqual(await post(url), { status: 307, headers: [] });
  assert.deepEqual(seen, ["/"]);
});

test("an answer that goes on and on is too large", async (t) => {
  const url = await serve(t, (_incoming, outgoing) => {
    const more = () => outgoing.write("x".repeat(16384), () => outgoing.destroyed || more());
    more();
  });
  assert.deepEqual(await post(url), { failure: "too-large" });
});

test("an answer whose body does not end is late", async (t) => {
  const url = await serve(t, (_incoming, outgoing) => outgoing.writeHead(200).write("x"));
  assert.deepEqual(await post(url, 50), { failure: "timeout" });
});

test("a closed port refuses, and a name without an address is one of DNS", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  assert.equal((await post(`http://127.0.0.1:${port}/`)).failure, "refused");
  assert.equal((await post("http://nowhere.invalid/")).failure, "dns");
});

test("the memory store keeps the order of keys, and makes all of a commit or none", async () => {
  const storage = memoryStorage();
  const value = new Uint8Array([1]);
  const put = (key) => ({ kind: "put", key, value });
  assert.equal(await storage.commit(["b/2", "a/1", "b/1", "b/3"].map(put)), "committed");
  assert.deepEqual(await storage.scan("b/", undefined, 2), [["b/1", value], ["b/2", value]]);
  assert.deepEqual(await storage.scan("b/", "b/2", 2), [["b/3", value]]);
  const refused = [{ kind: "delete", key: "a/1" }, { kind: "put-if-absent", key: "b/1", value }];
  assert.deepEqual(await storage.commit(refused), { exists: "b/1" });
  assert.deepEqual(await storage.get("a/1"), value);
  assert.equal(await storage.commit([{ kind: "delete", key: "a/1" }]), "committed");
  assert.equal(await storage.get("a/1"), undefined);
});

test("the handler passes a request on whole, and refuses one that is too long", async () => {
  const calls = [];
  const driver = {
    request: async (...call) => {
      calls.push(call);
      return [405, [["Allow", "GET"]], "text"];
    },
  };
  const handler = webhookHandler(driver, "somebody");
  const body = new Uint8Array([0, 255]);
  const request = new Request("http://localhost/", { method: "PUT", headers: { "X-One": "1" }, body });
  const answer = await handler(request);
  assert.deepEqual(calls, [["PUT", [["x-one", "1"]], body, "somebody"]]);
  assert.deepEqual(
    [answer.status, answer.headers.get("Allow"), await answer.text()],
    [405, "GET", "text"],
  );
  const long = new Request("http://localhost/", { method: "POST", body: new Uint8Array(1048577) });
  assert.equal((await handler(long)).status, 413);
  assert.equal(calls.length, 1);
});
