import { useEffect, useState } from "preact/hooks";

import { State } from "../shared/state";
import type { Attempt } from "./engine/world";
import { Code } from "./marks";
import { ofAll, ofTimestamp, type Received, type Worked } from "./signature";

interface Props {
  attempt: Attempt;
  /** What the subscription has now. */
  secret: string | undefined;
  onVerified(): void;
}

/** How a receiver verifies a POST, step by step, with everything that goes in there to be changed. */
export function Verify({ attempt, secret, onVerified }: Props) {
  const came = received(attempt, secret ?? "");
  const [tried, setTried] = useState(came);
  const [isOpen, setOpen] = useState(false);
  const change = (part: Partial<Received>) => setTried({ ...tried, ...part });
  return (
    <details
      class="verify"
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
        if (event.currentTarget.open) onVerified();
      }}
    >
      <summary>Verify its signatures</summary>
      {came.header === undefined && <p>It was sent without a secret, and so it is not signed.</p>}
      <div class="fields">
        <Field label="Secret" value={tried.secret} onInput={(secret) => change({ secret })} />
        <Field label="webhook-id" value={tried.id} onInput={(id) => change({ id })} />
        <Field label="webhook-timestamp" value={tried.seconds} onInput={(seconds) => change({ seconds })} />
        <label class="wide">
          Body
          <textarea
            class="mono"
            rows={5}
            value={tried.body}
            spellcheck={false}
            onInput={(event) => change({ body: event.currentTarget.value })}
          />
        </label>
        <div class="buttons">
          <button type="button" onClick={() => change({ body: tampered(tried.body) })}>
            Tamper with the body
          </button>
          <button type="button" onClick={() => setTried(came)}>
            As it came
          </button>
        </div>
      </div>
      {isOpen && <Steps tried={tried} />}
    </details>
  );
}

function Steps({ tried }: { tried: Received }) {
  const [worked, setWorked] = useState<[Worked, Worked]>();
  const { secret, id, seconds, header, body } = tried;
  useEffect(() => {
    let isWanted = true;
    // Browsers have WebCrypto only where nobody can have changed the page on its way.
    if (!isSecureContext) return;
    void Promise.all([ofTimestamp(tried), ofAll(tried)]).then((worked) => {
      if (isWanted) setWorked(worked);
    });
    return () => {
      isWanted = false;
    };
  }, [secret, id, seconds, header, body]);
  if (!isSecureContext) {
    return <p>This browser computes signatures only in pages that come over https or from this machine.</p>;
  }
  if (worked === undefined) return null;
  const [timestamp, all] = worked;
  return (
    <>
      <Work
        title="The body's signature"
        about="It says that the sender knows the secret, and covers the timestamp only."
        keyIs="the secret's bytes"
        messageIs="the text of the body's timestamp"
        result="in hexadecimal"
        came="The body's signature"
        worked={timestamp}
      />
      <Work
        title="The header webhook-signature"
        about="It covers the id, the time of the attempt and every byte of the body."
        keyIs={
          secret.startsWith("whsec_") ? "what follows whsec_, decoded from base64" : "the secret's bytes"
        }
        messageIs="id, timestamp and body, with dots between"
        result="in base64, behind v1 and a comma"
        came="The header"
        worked={all}
      />
    </>
  );
}

interface WorkProps {
  title: string;
  about: string;
  keyIs: string;
  messageIs: string;
  result: string;
  came: string;
  worked: Worked;
}

function Work({ title, about, keyIs, messageIs, result, came, worked }: WorkProps) {
  const { isRight } = worked;
  return (
    <div class="work" role="group" aria-label={title}>
      <h4>{title}</h4>
      <p class="muted">{about}</p>
      <ol class="steps">
        <li>
          The key: {keyIs}.<Code label={`${title}: key`}>{worked.key || "no bytes"}</Code>
        </li>
        <li>
          The message: {messageIs}.<Code label={`${title}: message`}>{worked.message || "no text"}</Code>
        </li>
        <li>
          HMAC-SHA256 of it, {result}.<Code label={`${title}: computed`}>{worked.computed}</Code>
        </li>
        <li>
          {came} says.<Code label={`${title}: came`}>{worked.came ?? "nothing"}</Code>
        </li>
      </ol>
      <p role="status">
        <State tone={isRight ? "good" : "bad"}>
          {isRight ? "The same: it is right" : "Different: it is not right"}
        </State>
      </p>
    </div>
  );
}

function Field({
  label,
  value,
  onInput,
}: {
  label: string;
  value: string;
  onInput: (value: string) => void;
}) {
  return (
    <label class="wide">
      {label}
      <input
        class="mono"
        value={value}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </label>
  );
}

function received({ headers, body }: Attempt, secret: string): Received {
  const header = (name: string) => headers.find(([sent]) => sent === name)?.[1];
  return {
    secret,
    id: header("webhook-id") ?? "",
    seconds: header("webhook-timestamp") ?? "",
    header: header("webhook-signature"),
    body,
  };
}

/** As somebody on the way might change it: another door, the signature left as it is. */
function tampered(body: string): string {
  return body
    .replace(/"door_id":"[^"]*"/, '"door_id":"vault"')
    .replace(/"action":"[^"]*"/, '"action":"denied"');
}
