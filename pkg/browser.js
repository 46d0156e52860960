// In browsers: the module is fetched from beside this file.

import init from "./rhombus_driver.js";

await init();

export * from "./index.js";
