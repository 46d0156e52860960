// In browsers: the module is fetched from beside this file.

import init from "./rhombus_driver.js";

await init({ module_or_path: new URL("rhombus_driver_bg.wasm", import.meta.url) });

export * from "./index.js";
