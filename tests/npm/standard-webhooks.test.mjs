// What the class sends by fetch, verified by the library that Standard Webhooks gives to receivers.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";

import { fetchHttp } from "../../pkg/node.js";
import { counting } from "./support/count.mjs";
import { bytes, load, queue } from "./support/driver.mjs";
import { accepts } from "./support/verify.mjs";

/** What is signed is bytes, so names of more than ASCII have to come through. */
const PEOPLE = ["Alex Specimen", "Zoë Größe 李 🔑"];

test("the library accepts what is signed and nothing else", async (t) => {
  const received = queue();
  const webhook = await receiver(t, received.put);
  const { driver } = await load(t, { http: fetchHttp(), host: "127.0.0.1" });
  const count = counting("standardwebhooks from the package");
  for (const { about, secret } of secrets()) {
    const subscription = bytes(JSON.stringify({ webhook, secret }));
    assert.equal((await driver.post([], subscription))[0], 201, about);
    for (const user_name of PEOPLE) {
      const event = { door_id: "lobby", action: "granted", user_name };
      assert.equal(await driver.on_door_event(JSON.stringify(event)), "accepted");
      const { headers, body } = await received.next();
      assert.ok(body.includes(user_name), body);
      const post = { secret, is_text: !secret.startsWith("whsec_"), headers, body };
      count.add(!accepts(post) && `it refuses ${about}, ${user_name}`);
      for (const [how, change] of Object.entries(changed(post))) {
        count.add(accepts({ ...post, ...change }) && `it accepts ${about}, ${user_name}, with another ${how}`);
      }
    }
  }
  count.end();
});

/** What makes a POST one that was not sent. */
function changed({ is_text, secret, headers, body }) {
  const second = String(headers["webhook-timestamp"] - 1);
  return {
    byte: { body: body.replace("lobby", "lobbz") },
    id: { headers: { ...headers, "webhook-id": "evt_x" } },
    second: { headers: { ...headers, "webhook-timestamp": second } },
    secret: { secret: is_text ? `${secret}.` : "whsec_YW5vdGhlciBrZXkgb2YgMjQgYnl0ZXM=" },
  };
}

function secrets() {
  return JSON.parse(readFileSync(join(import.meta.dirname, "../../foreign/secrets.json"), "utf8"));
}

/** Starts a server that keeps what comes; answers its URL. */
async function receiver(t, keep) {
  const server = createServer(async (incoming, outgoing) => {
    let body = "";
    for await (const part of incoming.setEncoding("utf8")) body += part;
    outgoing.end();
    keep({ headers: incoming.headers, body });
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${server.address().port}/`;
}
