import { useState } from "preact/hooks";

import { State } from "../shared/state";
import type { Session } from "./engine/session";
import { request, type Note } from "./exchanges";
import type { Remote } from "./remote";

/** Makes and ends the subscription of a receiver. */
export function Subscribe({ session, note }: { session: Remote<Session>; note: Note }) {
  const [webhook, setWebhook] = useState("https://receiver.example/hook");
  const [secret, setSecret] = useState("123456");
  const [told, setTold] = useState<{ text: string; isGood: boolean }>();
  const ask = async (method: string, body: object) => {
    const { status, body: answer } = await request(session, note, method, JSON.stringify(body));
    setTold({ text: `${method}: ${status} ${sentence(answer)}`, isGood: status < 300 });
  };
  const subscribe = (event: Event) => {
    event.preventDefault();
    void ask("POST", { webhook, ...(secret && { secret }) });
  };
  return (
    <form class="fields" onSubmit={subscribe}>
      <label class="half">
        Receiver's URL
        <input
          name="webhook"
          value={webhook}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setWebhook(event.currentTarget.value)}
        />
      </label>
      <label class="half">
        Secret; empty for none
        <input
          name="secret"
          value={secret}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setSecret(event.currentTarget.value)}
        />
      </label>
      <div class="buttons">
        <button class="primary">Subscribe</button>
        <button type="button" onClick={() => void ask("DELETE", { webhook })}>
          Unsubscribe
        </button>
        <button type="button" onClick={() => setSecret(standardSecret())}>
          Make a whsec_ secret
        </button>
      </div>
      <p role="status">{told && <State tone={told.isGood ? "good" : "bad"}>{told.text}</State>}</p>
    </form>
  );
}

/** The sentence of an error; nothing if it is none. */
function sentence(body: string): string {
  return body === "" ? "" : ((JSON.parse(body) as { error?: string }).error ?? "");
}

/** A secret of Standard Webhooks: 24 random bytes. */
function standardSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return `whsec_${btoa(String.fromCharCode(...bytes))}`;
}
