import type { Session, Snapshot } from "./engine/session";
import { operate, type Note } from "./exchanges";
import { Code, Scrolls, Section, StateOf } from "./marks";
import { deadLetters, type DeadLetter, type Delivery, type Subscriber } from "./outbox";
import type { Remote } from "./remote";
import { clock, length } from "./time";

interface Props {
  session: Remote<Session>;
  snapshot: Snapshot;
  subscribers: Subscriber[];
  note: Note;
}

/** So many deliveries of a lane are listed; the others are counted. */
const SHOWN = 6;

/** What waits, for whom, and when it is tried again. */
export function Outbox({ session, snapshot, subscribers, note }: Props) {
  const dead = deadLetters(snapshot);
  return (
    <Section
      id="outbox"
      title="Outbox"
      hint="What is stored and not delivered. The deliveries of one door to one subscriber are a lane, and go in order."
    >
      {subscribers.length === 0 && <p>Nobody has subscribed yet, so nothing waits for anybody.</p>}
      <div class="subscribers">
        {subscribers.map((subscriber) => (
          <SubscriberView
            key={subscriber.id}
            subscriber={subscriber}
            now={snapshot.now}
            onEnable={() => void operate(session, note, "enable", { subscription: subscriber.id })}
          />
        ))}
      </div>
      {dead.length > 0 && (
        <DeadLetters
          dead={dead}
          onRedeliver={(id) => void operate(session, note, "redeliver", { ids: [id] })}
        />
      )}
      <details>
        <summary>How it decides</summary>
        <ul class="rules">
          <li>
            A 2xx settles a delivery. What fails is tried again after 1 s, 5 s, 30 s, 2, 10 and 30 min, then
            hourly, each ±20 %; after 80 attempts, about three days, it is a dead letter.
          </li>
          <li>
            Eight failures in a row, or one 410, 429 or 503, pause the subscriber. One delivery at a time is a
            probe, after 1, 2, 4 … 60 s, or what Retry-After says if that is longer; schedules stand still.
          </li>
          <li>
            A 2xx opens it again, with one attempt in flight, and one more after each 2xx, up to 32: the slow
            start.
          </li>
          <li>
            400, 413 and 422 concern the body: after three the delivery is a dead letter. The third 410 in a
            row disables the subscriber, and all that waits is given up.
          </li>
          <li>
            A lane moves past its head 60 s after the head first failed: one event that nobody takes does not
            stop a door.
          </li>
        </ul>
      </details>
      <details>
        <summary>The store, record by record</summary>
        <Code label="The store">
          {snapshot.records.map(([key, json]) => `${key}\n  ${json}`).join("\n") || "It is empty."}
        </Code>
      </details>
      <details>
        <summary>Status keys, as operators see them</summary>
        <Code label="Status keys">
          {Object.entries(snapshot.status)
            .sort()
            .map(([key, json]) => `${key}: ${json}`)
            .join("\n") || "None yet."}
        </Code>
      </details>
      <div class="buttons">
        <button type="button" onClick={() => void session.restart()}>
          Kill the module and load it again
        </button>
        <span class="muted">What is in the outbox survives that.</span>
      </div>
    </Section>
  );
}

function SubscriberView(props: { subscriber: Subscriber; now: number; onEnable(): void }) {
  const { subscriber, now, onEnable } = props;
  const { webhook, state, why, failures, pause, inFlight, pending, lanes } = subscriber;
  return (
    <article class="subscriber" aria-label={webhook}>
      <header>
        <h3 class="mono">{webhook}</h3>
        <p>
          <StateOf subscriber={subscriber} />
          {why && <span> {why}</span>}
        </p>
        <dl class="figures">
          <Figure name="pending" value={String(pending)} />
          <Figure name="in flight" value={String(inFlight)} />
          <Figure name="failures in a row" value={String(failures)} />
          {pause && <Figure name="probes failed" value={String(pause.probes)} />}
          {pause && (
            <Figure
              name="next probe"
              value={pause.nextProbe > now ? `in ${length(pause.nextProbe - now)}` : "now"}
            />
          )}
        </dl>
        {state !== "open" && (
          <button type="button" onClick={onEnable}>
            Enable it now
          </button>
        )}
      </header>
      {lanes.length === 0 && <p class="muted">Nothing waits.</p>}
      {lanes.map(({ door, deliveries }) => (
        <div key={door} class="lane">
          <h4>{door}</h4>
          <ol>
            {deliveries.slice(0, SHOWN).map((delivery, index) => (
              <li key={delivery.key} class={index === 0 ? "head" : ""}>
                <b>{delivery.action.replaceAll("_", " ")}</b>
                <span>{attempts(delivery.attempts)}</span>
                <span class="muted">{fate(delivery, index === 0, subscriber, now)}</span>
              </li>
            ))}
          </ol>
          {deliveries.length > SHOWN && <p class="muted">and {deliveries.length - SHOWN} more</p>}
        </div>
      ))}
    </article>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function DeadLetters({ dead, onRedeliver }: { dead: DeadLetter[]; onRedeliver(id: string): void }) {
  return (
    <>
      <h3>Dead letters</h3>
      <Scrolls label="Dead letters">
        <table>
          <thead>
            <tr>
              <th scope="col">Given up at</th>
              <th scope="col">Event</th>
              <th scope="col">Attempts</th>
              <th scope="col">Why</th>
              <th scope="col">
                <span class="unseen">Send again</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {dead.map(({ id, at, door, action, attempts, reason }) => (
              <tr key={id}>
                <td class="mono">{clock(at)}</td>
                <td>
                  {door}, {action.replaceAll("_", " ")}
                </td>
                <td class="number">{attempts}</td>
                <td>{reason}</td>
                <td>
                  <button type="button" onClick={() => onRedeliver(id)}>
                    Send again
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolls>
    </>
  );
}

function attempts(count: number): string {
  return count === 1 ? "1 attempt" : `${count} attempts`;
}

/** What a delivery waits for. */
function fate({ underWay, due }: Delivery, isHead: boolean, { state }: Subscriber, now: number): string {
  if (underWay) return "under way";
  if (state === "disabled") return "is given up";
  if (state === "paused") return isHead ? "waits for a probe to succeed" : "behind the head";
  if (!isHead || due === undefined) return "behind the head";
  return due > now ? `next in ${length(due - now)}` : "due now";
}
