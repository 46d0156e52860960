// Makes the pages: every folder of `src` that has an index.html, into `target/web/<folder>/`.
//
// The page names its sources, `main.tsx` and `style.css`; what it names in the end carries a hash of its
// content, so that it can be cached for ever, and is relative, so that the folder can be published anywhere.

import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

/** What all assets together may weigh, gzipped: a page must be there at once, on a phone too. */
const MOST_BYTES = 150_000;

const here = import.meta.dirname;
const source = join(here, "src");
const target = join(here, "../target/web");

const pages = readdirSync(source).filter((name) => existsSync(join(source, name, "index.html")));

rmSync(target, { recursive: true, force: true });
let total = 0;
for (const page of pages) total += await make(page);
console.log(`${kB(total)}  all pages, gzipped`);
if (total > MOST_BYTES) {
  console.error(`error: the pages must not be larger than ${kB(MOST_BYTES).trim()}`);
  process.exit(1);
}

/** Makes a page; answers its size, gzipped. */
async function make(page) {
  const folder = join(target, page);
  const { outputs } = (
    await build({
      absWorkingDir: here,
      entryPoints: ["main.tsx", "style.css"].map((name) => join(source, page, name)),
      outdir: join(folder, "assets"),
      entryNames: "[name]-[hash]",
      bundle: true,
      minify: true,
      format: "esm",
      target: "es2022",
      jsx: "automatic",
      jsxImportSource: "preact",
      legalComments: "none",
      metafile: true,
      logLevel: "warning",
    })
  ).metafile;

  let html = readFileSync(join(source, page, "index.html"), "utf8");
  const files = [];
  for (const [output, { entryPoint }] of Object.entries(outputs)) {
    const path = relative(folder, join(here, output));
    html = html.replaceAll(`"${basename(entryPoint)}"`, `"${path}"`);
    files.push([path, readFileSync(join(folder, path))]);
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "index.html"), html);
  files.push(["index.html", Buffer.from(html)]);

  let total = 0;
  for (const [path, content] of files) {
    const size = gzipSync(content, { level: 9 }).length;
    total += size;
    console.log(`${kB(size)}  ${page}/${path}`);
  }
  return total;
}

function kB(bytes) {
  return `${(bytes / 1000).toFixed(1).padStart(9)} kB`;
}
