import { useState } from "preact/hooks";

import { DOORS } from "./building";
import type { Session } from "./engine/session";
import { Exchanges, request, type Exchange, type Note } from "./exchanges";
import { Section } from "./marks";
import type { Remote } from "./remote";

interface Props {
  session: Remote<Session>;
  exchanges: Exchange[];
  note: Note;
}

/** What Rhombus asks of the driver beside to subscribe, and everything that was asked. */
export function Requests({ session, exchanges, note }: Props) {
  const ask = (method: string, body: string, door?: string) =>
    void request(session, note, method, body, door);
  return (
    <Section
      id="requests"
      title="Requests"
      hint="What else Rhombus may ask the driver: its doors, to unlock one, or something malformed. Every request is listed below with its answer, as on the wire."
    >
      <Unlock ask={ask} />
      <AnyRequest ask={ask} />
      <h3>Asked and answered</h3>
      <Exchanges exchanges={exchanges} />
    </Section>
  );
}

type Ask = (method: string, body: string, door?: string) => void;

function Unlock({ ask }: { ask: Ask }) {
  const [door, setDoor] = useState(DOORS[0]?.id ?? "");
  const unlock = (event: Event) => {
    event.preventDefault();
    ask("PUT", JSON.stringify({ door_id: door }), door);
  };
  return (
    <form class="fields" onSubmit={unlock}>
      <label>
        Door to unlock
        <select name="door" value={door} onChange={(event) => setDoor(event.currentTarget.value)}>
          {DOORS.map(({ id, description }) => (
            <option key={id} value={id}>
              {description}
            </option>
          ))}
        </select>
      </label>
      <div class="buttons">
        <button>Unlock</button>
        <button type="button" onClick={() => ask("GET", "")}>
          List the doors
        </button>
      </div>
    </form>
  );
}

/** To see what becomes of a request that is not as it should be. */
function AnyRequest({ ask }: { ask: Ask }) {
  const [method, setMethod] = useState("POST");
  const [body, setBody] = useState('{"webhook": "https://169.254.169.254/latest/meta-data"}');
  const send = (event: Event) => {
    event.preventDefault();
    ask(method, body);
  };
  return (
    <details>
      <summary>Any other request</summary>
      <form class="fields" onSubmit={send}>
        <label>
          Method
          <select value={method} onChange={(event) => setMethod(event.currentTarget.value)}>
            {["POST", "DELETE", "GET", "PUT", "PATCH"].map((method) => (
              <option key={method}>{method}</option>
            ))}
          </select>
        </label>
        <label class="wide">
          Body
          <textarea
            class="mono"
            rows={3}
            value={body}
            spellcheck={false}
            onInput={(event) => setBody(event.currentTarget.value)}
          />
        </label>
        <div class="buttons">
          <button>Send</button>
        </div>
      </form>
    </details>
  );
}
