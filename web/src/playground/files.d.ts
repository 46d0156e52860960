// Files that the build puts beside the scripts; what is imported is their path from there.

declare module "driver.wasm" {
  const path: string;
  export default path;
}

declare module "fixtures.json" {
  const path: string;
  export default path;
}
