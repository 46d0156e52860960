// Keys and messages of Wycheproof and of RFC 4231, as secrets and events of the package's class.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";

import { counting } from "./support/count.mjs";
import { WEBHOOK, bytes, load } from "./support/driver.mjs";

test("what is sent is signed as others compute it", async (t) => {
  const { driver, sent } = await load(t);
  const count = counting("hmac in the package");
  for (const { name, key, message, tag, is_valid } of vectors()) {
    // What the signatures are checked with below is held to the suite itself.
    const computed = hmac(key, Buffer.from(message, "hex")).subarray(0, tag.length / 2);
    count.add(computed.equals(Buffer.from(tag, "hex")) !== is_valid && `${name}: node:crypto`);

    for (const secret of secrets(Buffer.from(key, "hex"))) {
      const subscription = bytes(JSON.stringify({ webhook: WEBHOOK, secret }));
      assert.equal((await driver.post([], subscription))[0], 201, name);
      const event = { door_id: "lobby", action: "granted", card_id: message };
      assert.equal(await driver.on_door_event(JSON.stringify(event)), "accepted", name);
      const { headers, body } = await sent();
      const header = Object.fromEntries(headers);
      const signed = `${header["webhook-id"]}.${header["webhook-timestamp"]}.${body}`;
      const whole = `v1,${hmac(key, signed).toString("base64")}`;
      count.add(header["webhook-signature"] !== whole && `${name}, header, by ${secret}`);

      const { timestamp, signature } = JSON.parse(body);
      const ofTime = hmac(Buffer.from(secret).toString("hex"), timestamp).toString("hex");
      count.add(signature !== ofTime && `${name}, body, by ${secret}`);
    }
  }
  count.end();
});

/** All vectors: names, and keys, messages and tags in hexadecimal. A tag may be the first half only. */
function vectors() {
  const workspace = join(import.meta.dirname, "../..");
  const print = ["run", "--quiet", "--package", "foreign", "--bin", "hmac-vectors"];
  return JSON.parse(execFileSync("cargo", print, { cwd: workspace, maxBuffer: 1 << 30 }));
}

/** The secrets that stand for a key: always an encoded one, and a text if it is one that is not blank. */
function secrets(key) {
  const text = key.toString();
  const isText = Buffer.from(text).equals(key) && text.trim() !== "";
  return [`whsec_${key.toString("base64")}`, ...(isText ? [text] : [])];
}

const hmac = (key, message) => createHmac("sha256", Buffer.from(key, "hex")).update(message).digest();
