// What is timed in Node and in a page alike.

const nobody = async () => {
  throw new Error("a driver without subscribers asks for nothing");
};
const doors = { systems: async () => [], list: nobody, unlock: nobody };

/**
 * Does work and times it: that of an event, in the module of micro/wasm whose bytes these are, and calls of
 * the driver's package. Answers nanoseconds and a sum of what came out.
 */
export async function sampler(bytes, { RhombusDriver, memoryStorage }) {
  const { instance } = await WebAssembly.instantiate(bytes);
  const host = { storage: memoryStorage(), http: { post: nobody }, doors, settings: { save: nobody }, log() {} };
  const driver = await RhombusDriver.load(host, "{}");
  const work = (name, size, times) =>
    // A JavaScript number of 32 bits has a sign.
    name === "call" ? call(driver, size, times) : instance.exports[name](times) >>> 0;

  return async (name, size, times) => {
    const begun = performance.now();
    const sum = await work(name, size, times);
    return [Math.round((performance.now() - begun) * 1e6), sum];
  };
}

/** Calls a function that there is not, with a text of so many bytes; answers how often it was refused. */
async function call(driver, size, times) {
  // As text is that comes from elsewhere: what is repeated is put together of parts, and slower to read.
  const text = new TextDecoder().decode(new Uint8Array(size).fill(32));
  let refused = 0;
  for (let time = 0; time < times; time++) {
    try {
      await driver.call("nothing", text);
    } catch (error) {
      if (error.kind !== "unknown") throw error;
      refused++;
    }
  }
  return refused;
}
