// The real program with its demo building, on a free port and in a folder of its own.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { until } from "./until.mjs";

const program = join(import.meta.dirname, "../../../target/debug/placeos-slot");

/** Starts it; somebody swipes a card every `swipeEvery` seconds, or nobody. */
export async function startGateway({ swipeEvery = 0 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "console-"));
  const data = join(folder, "data");
  const serve = ["serve", "--demo", "--listen", "127.0.0.1:0", "--allow", "127.0.0.1", "--data", data];
  const child = spawn(program, [...serve, "--swipe-every", String(swipeEvery)], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (text) => (log += text));
  const ended = new Promise((ended) => child.once("exit", ended));
  const ready = until("the gateway is ready", async () => {
    const access = JSON.parse(readFileSync(join(data, "access.json"), "utf8"));
    const ready = await fetch(`http://${access.listen}/readyz`);
    return ready.ok && access;
  });
  const access = await Promise.race([ready, ended]);
  if (!access.listen) throw new Error(`it has ended: ${log}`);
  const origin = `http://${access.listen}`;
  return {
    origin,
    access,
    /** What nobody may see: keys, and the paths of webhooks. */
    secrets: [access.admin_key, access.event_key, new URL(access.webhook_urls[1]).pathname.split("/")[7]],
    subscribe: (webhook, secret) => send("POST", access.webhook_urls[1], { webhook, secret }),
    event: (event) =>
      send("POST", `${origin}/api/engine/v2/signal?channel=security/event/door`, event, {
        "X-API-Key": access.event_key,
      }),
    /** Calls a function of the driver as a script does. */
    call: async (name, args) => {
      const answer = await send("POST", `${origin}/api/functions/${name}`, args, {
        Authorization: `Bearer ${access.admin_key}`,
      });
      return answer.json();
    },
    /** What a console is told that connects now, up to the first event of that name and its data. */
    told: async (name) => {
      const gone = new AbortController();
      const answer = await fetch(`${origin}/api/live`, {
        headers: { Authorization: `Bearer ${access.admin_key}` },
        signal: gone.signal,
      });
      let told = "";
      for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
        told += text;
        if (new RegExp(`event: ${name}\\ndata: .*\\n`).test(told)) break;
      }
      gone.abort();
      return told;
    },
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

async function send(method, url, body, headers = {}) {
  const answer = await fetch(url, { method, body: JSON.stringify(body), headers });
  if (!answer.ok) throw new Error(`${method} was answered ${answer.status}: ${await answer.text()}`);
  return answer;
}
