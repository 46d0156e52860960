// `import path from "fixtures.json"`: all fixtures as one file, an object of their texts by behaviour and
// case. They stay texts, because a number in them has more digits than a JavaScript number keeps.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "../tests/fixtures");

/** Without the spaces between; what stands in texts stays. */
const compact = (json) => json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");

export const fixtures = {
  name: "fixtures",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^fixtures\.json$/ }, ({ path }) => ({ path, namespace: "fixtures" }));
    onLoad({ filter: /^/, namespace: "fixtures" }, () => {
      const paths = readdirSync(folder, { recursive: true }).filter((path) => path.endsWith(".json"));
      const named = (path) => [
        path.slice(0, -".json".length).replaceAll("\\", "/"),
        compact(readFileSync(join(folder, path), "utf8")),
      ];
      return {
        contents: JSON.stringify(Object.fromEntries(paths.sort().map(named))),
        loader: "file",
      };
    });
  },
};
