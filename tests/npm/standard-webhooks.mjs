// Says which POSTs the Standard Webhooks library accepts. Reads a JSON array from standard input: the secret,
// whether it is text or base64 behind a prefix, the headers and the body of each POST. Prints a JSON array of
// booleans.

import { readFileSync } from "node:fs";

import { accepts } from "./support/verify.mjs";

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(accepts)));
