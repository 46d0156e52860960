// In Node: the module is a file beside this one.

import { readFileSync } from "node:fs";

import { initSync } from "./rhombus_driver.js";

initSync({ module: readFileSync(new URL("rhombus_driver_bg.wasm", import.meta.url)) });

export * from "./index.js";
