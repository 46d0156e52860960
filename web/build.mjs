// Makes the pages: every folder of `src` that has an index.html, into `target/web/<folder>/`.
//
// The page names its sources: `main.tsx`, `style.css` and, if it has one, `worker.ts`. What it names in
// the end carries a hash of its content, so that browsers can keep it for ever, and is relative, so that
// the folder can be published anywhere. Beside each file is its gzipped form, which the gateway serves as
// it is. A file that has not changed is left alone: the slot, which embeds them, is then not built anew.

import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

import { fixtures } from "./fixtures.mjs";

/** What all assets together may weigh, gzipped: a page must be there at once, on a phone too. */
const MOST_BYTES = 150_000;

/** What a page is made of, beside its index.html. */
const SOURCES = ["main.tsx", "style.css", "worker.ts"];

const here = import.meta.dirname;
const source = join(here, "src");
const target = join(here, "../target/web");

/** Content by path, relative to `target`. */
const files = new Map();
for (const page of readdirSync(source)) {
  if (existsSync(join(source, page, "index.html"))) await make(page);
}
const size = compress();
if (size > MOST_BYTES) {
  console.error(`error: the pages must not be larger than ${kB(MOST_BYTES)}`);
  process.exit(1);
}
write();

/** Bundles a page's sources and names them in its HTML. */
async function make(page) {
  const folder = join(target, page);
  const { outputFiles, metafile } = await build({
    absWorkingDir: here,
    entryPoints: SOURCES.map((name) => join(source, page, name)).filter(existsSync),
    outdir: join(folder, "assets"),
    entryNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    alias: { "driver.wasm": join(here, "../pkg/rhombus_driver_bg.wasm") },
    loader: { ".wasm": "file" },
    plugins: [fixtures],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  for (const { path, contents } of outputFiles) files.set(relative(target, path), contents);

  let html = readFileSync(join(source, page, "index.html"), "utf8");
  for (const [output, { entryPoint }] of Object.entries(metafile.outputs)) {
    const path = relative(folder, join(here, output));
    if (entryPoint) html = html.replaceAll(`"${basename(entryPoint)}"`, `"${path}"`);
  }
  files.set(join(page, "index.html"), Buffer.from(html));
}

/** Adds the gzipped form of each file; answers the size of all of them but the module. */
function compress() {
  let total = 0;
  for (const [path, content] of [...files]) {
    const compressed = gzipSync(content, { level: 9 });
    files.set(`${path}.gz`, compressed);
    // The module is what the playground shows, and has a limit of its own.
    if (!path.endsWith(".wasm")) total += compressed.length;
    console.log(`${kB(compressed.length).padStart(12)}  ${path}`);
  }
  console.log(`${kB(total).padStart(12)}  all of it but the module, gzipped`);
  return total;
}

function write() {
  mkdirSync(target, { recursive: true });
  for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !files.has(relative(target, path))) rmSync(path);
  }
  for (const [path, content] of files) {
    const file = join(target, path);
    if (existsSync(file) && readFileSync(file).equals(content)) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

function kB(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
