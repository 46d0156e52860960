// Who gets the events, and how they fare.

import { useEffect, useState } from "preact/hooks";

import { State, type Tone } from "../shared/state";
import { parsed } from "../shared/time";
import { useActs } from "./act";
import { type Delivery, type Receiver, type Status, type Subscription, call } from "./api";
import { words } from "./action";
import { Nothing, Panel, Time } from "./panel";

const TONES: Record<string, Tone> = { open: "good", paused: "warn", disabled: "bad", refused: "bad" };

/** How many are listed; those that are not open come first. */
const MOST = 50;
/** Of how many the oldest delivery is asked for. */
const ASKED = 10;

interface Props {
  status: Status;
  receivers: Record<string, Receiver>;
}

export function Subscriptions({ status, receivers }: Props) {
  const all = status.subscriptions ?? [];
  const sorted = all.toSorted((one, other) => Number(one.state === "open") - Number(other.state === "open"));
  const oldest = useOldest(sorted);
  return (
    <Panel id="subscriptions" title="Subscriptions" aside={<span class="muted">{status.subscriptions && all.length}</span>}>
      <ul class="cards">
        {sorted.slice(0, MOST).map((one, index) => (
          <Card
            key={one.id ?? `unreadable ${index}`}
            subscription={one}
            receiver={receivers[one.webhook ?? ""] ?? {}}
            oldest={oldest[one.id ?? ""]}
          />
        ))}
      </ul>
      {status.subscriptions && !all.length && (
        <Nothing>Nobody is subscribed. Rhombus subscribes by a POST to the webhook.</Nothing>
      )}
      {all.length > MOST && <Nothing>{all.length - MOST} more.</Nothing>}
    </Panel>
  );
}

interface CardProps {
  subscription: Subscription;
  receiver: Receiver;
  oldest: number | undefined;
}

function Card({ subscription, receiver, oldest }: CardProps) {
  const { act } = useActs();
  const { id, webhook = "unreadable", state, pending = 0, why } = subscription;
  const test = async () => {
    const answer = await call<{ status?: number; failure?: string }>("send_test_event", { subscription: id });
    return answer.failure ? `${webhook}: ${answer.failure}` : `${webhook} answered ${answer.status}`;
  };
  const enable = async () => {
    await call("enable", { subscription: id });
    return `${webhook} is open`;
  };
  const redeliver = async () => redelivered(await call("redeliver", { subscription: id }));
  return (
    <li>
      <h3 class="mono">{webhook}</h3>
      <State tone={TONES[state] ?? "plain"}>{words(state)}</State>
      {why && <p class="why">{why}</p>}
      <dl>
        <div>
          <dt>Waiting</dt>
          <dd>{pending}</dd>
        </div>
        <div>
          <dt>Oldest</dt>
          <dd>{pending > 0 && oldest !== undefined ? <Time at={oldest} /> : "–"}</dd>
        </div>
        <div>
          <dt>Last success</dt>
          <dd>{receiver.last_success ? <Time at={receiver.last_success} /> : "–"}</dd>
        </div>
        <div class="error">
          <dt>Last error</dt>
          <dd>
            {receiver.last_failure ? (
              <>
                <Time at={receiver.last_failure} /> {receiver.last_error}
              </>
            ) : (
              "–"
            )}
          </dd>
        </div>
      </dl>
      {id && (
        <div class="buttons">
          <button type="button" aria-label={`Send a test event to ${webhook}`} onClick={() => act(test)}>
            Test event
          </button>
          <button type="button" aria-label={`Redeliver all dead letters of ${webhook}`} onClick={() => act(redeliver)}>
            Redeliver all
          </button>
          {state !== "open" && (
            <button type="button" aria-label={`Enable ${webhook}`} onClick={() => act(enable)}>
              Enable
            </button>
          )}
        </div>
      )}
    </li>
  );
}

/** What `redeliver` has answered, in a sentence. */
export function redelivered(answer: { redelivered: number; not_redelivered: { why: string }[] }): string {
  const others = answer.not_redelivered.map(({ why }) => why);
  const reason = others.length ? `; ${others.length} are not, because ${[...new Set(others)].join(", and ")}` : "";
  return `Sent again: ${answer.redelivered}${reason}`;
}

/** When the oldest event happened that each waits for. */
function useOldest(subscriptions: Subscription[]): Record<string, number | undefined> {
  const [oldest, setOldest] = useState<Record<string, number | undefined>>({});
  const waiting = subscriptions.filter(({ id, pending }) => id && pending).slice(0, ASKED);
  const asked = waiting.map(({ id, pending }) => `${id} ${pending}`).join();
  useEffect(() => {
    let isCurrent = true;
    const ask = async ({ id = "" }: Subscription) => {
      const { deliveries } = await call<{ deliveries: Delivery[] }>("deliveries", { subscription: id, limit: 1 });
      return [id, parsed(deliveries[0]?.timestamp)] as const;
    };
    const answers = Promise.all(waiting.map(ask));
    answers
      .then((all) => isCurrent && setOldest(Object.fromEntries(all)))
      .catch(() => {}); // It is asked again as soon as something changes.
    return () => {
      isCurrent = false;
    };
  }, [asked]);
  return oldest;
}
