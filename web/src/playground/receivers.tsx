import { useState } from "preact/hooks";

import { State } from "../shared/state";
import type { Session, Snapshot } from "./engine/session";
import type { Attempt } from "./engine/world";
import type { Note } from "./exchanges";
import { Code, Log, Section, StateOf } from "./marks";
import { MOODS, type Mood } from "./moods";
import type { Subscriber } from "./outbox";
import type { Remote } from "./remote";
import { Subscribe } from "./subscribe";
import { clock, length } from "./time";
import { Verify } from "./verify";

interface Props {
  session: Remote<Session>;
  snapshot: Snapshot;
  subscribers: Subscriber[];
  note: Note;
  onVerified(): void;
}

/** Those that POSTs go to: how they are, and what they got. */
export function Receivers({ session, snapshot, subscribers, note, onVerified }: Props) {
  const { attempts } = snapshot;
  const urls = [
    ...new Set([...subscribers.map(({ webhook }) => webhook), ...attempts.map(({ url }) => url)]),
  ];
  const byUrl = new Map(subscribers.map((subscriber) => [subscriber.webhook, subscriber]));
  return (
    <Section
      id="receiver"
      title="Receiver"
      hint="The other side: a server that wants to hear of every door event. It subscribes, and from then on gets a POST for each."
    >
      <Subscribe session={session} note={note} />
      {urls.map((url) => (
        <Receiver key={url} url={url} session={session} subscriber={byUrl.get(url)} now={snapshot.now} />
      ))}
      <h3>What it got</h3>
      {attempts.length === 0 && <p class="muted">No POST has come yet.</p>}
      <Log>
        {[...attempts].reverse().map((attempt) => (
          <Got
            key={attempt.number}
            attempt={attempt}
            secret={byUrl.get(attempt.url)?.secret}
            onVerified={onVerified}
          />
        ))}
      </Log>
    </Section>
  );
}

interface ReceiverProps {
  url: string;
  session: Remote<Session>;
  /** Nothing if it has unsubscribed. */
  subscriber: Subscriber | undefined;
  now: number;
}

/** How a receiver answers, and what the driver makes of that. */
function Receiver({ url, session, subscriber, now }: ReceiverProps) {
  const [mood, setMood] = useState<Mood>("healthy");
  const choose = (mood: Mood) => {
    setMood(mood);
    void session.setReceiver(url, MOODS[mood].receiver);
  };
  return (
    <div class="fields">
      <label class="wide">
        {`How ${url} answers`}
        <select name="mood" value={mood} onChange={(event) => choose(event.currentTarget.value as Mood)}>
          {Object.entries(MOODS).map(([name, { label }]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <p class="is">
        {subscriber ? <Standing subscriber={subscriber} now={now} /> : "It is not subscribed."}
      </p>
    </div>
  );
}

function Standing({ subscriber, now }: { subscriber: Subscriber; now: number }) {
  const { pending, pause } = subscriber;
  return (
    <>
      <StateOf subscriber={subscriber} />
      <a href="#outbox">{pending === 0 ? "nothing waits" : `${pending} pending`}</a>
      {pause && (
        <span class="muted">
          {pause.nextProbe > now ? `next probe in ${length(pause.nextProbe - now)}` : "a probe is due"}
        </span>
      )}
    </>
  );
}

interface GotProps {
  attempt: Attempt;
  secret: string | undefined;
  onVerified(): void;
}

function Got({ attempt, secret, onVerified }: GotProps) {
  const [isOpen, setOpen] = useState(false);
  const { number, at, url, headers, body, end } = attempt;
  const { door_id, action } = JSON.parse(body) as { door_id: string; action: string };
  const kind = end === undefined ? "plain" : end.isDelivered ? "good" : "bad";
  const size = new TextEncoder().encode(body).length;
  return (
    <li>
      <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <span class="mono">{clock(at)}</span> <b>{door_id}</b> {action.replaceAll("_", " ")}{" "}
          <State tone={kind}>{end?.told ?? "under way"}</State>
        </summary>
        {isOpen && (
          <>
            <Code label={`POST ${number}, headers`}>
              {[`POST ${url}`, ...headers.map(([name, value]) => `${name}: ${value}`)].join("\n")}
            </Code>
            <Code label={`POST ${number}, body`}>{body}</Code>
            <p class="muted">The body has {size} bytes, and no line break at its end.</p>
            <Verify attempt={attempt} secret={secret} onVerified={onVerified} />
          </>
        )}
      </details>
    </li>
  );
}
