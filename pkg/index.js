// What the package exports, once the module is there.

export { fetchHttp } from "./fetch.js";
export { memoryStorage } from "./memory.js";
export { RhombusDriver } from "./rhombus_driver.js";
export { webhookHandler } from "./webhook.js";
