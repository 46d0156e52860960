// What waits, what was given up, and what could not be read.

import type { ComponentChildren } from "preact";

import { parsed, shown } from "../shared/time";
import { Action } from "./action";
import { useActs } from "./act";
import { type Delivery, type DoorEvent, type Status, call } from "./api";
import { type Listed, useListed } from "./listed";
import { Nothing, Panel, Time } from "./panel";
import { redelivered } from "./subscriptions";

export function Waiting({ status }: { status: Status }) {
  const { pending = 0 } = status;
  const listed = useListed("pending", pending, pending > 0);
  const { discard } = useDeadLetters();
  return (
    <Panel id="waiting" title="Deliveries that wait" aside={<Count of={status.pending} />}>
      <List listed={listed} none="Nothing waits.">
        {(one) => (
          <>
            <What delivery={one} status={status} />
            <span class="number">{attempts(one)}</span>
            <Buttons>
              <button type="button" class="danger" aria-label={`Discard ${name(one)}`} onClick={() => discard([one], true)}>
                Discard
              </button>
            </Buttons>
          </>
        )}
      </List>
    </Panel>
  );
}

export function DeadLetters({ status }: { status: Status }) {
  const { dead_letters: dead = 0 } = status;
  const listed = useListed("dead", dead, false);
  const { redeliver, discard } = useDeadLetters();
  const all = listed.deliveries ?? [];
  return (
    <Panel id="dead-letters" title="Dead letters" aside={<Count of={status.dead_letters} />}>
      {all.length > 1 && (
        <div class="buttons all">
          <button type="button" onClick={() => redeliver(all)}>
            Redeliver these {all.length}
          </button>
          <button type="button" class="danger" onClick={() => discard(all, false)}>
            Discard these {all.length}
          </button>
        </div>
      )}
      <List listed={listed} none="Nothing was given up.">
        {(one) => (
          <>
            <What delivery={one} status={status} />
            <span class="why">
              {one.reason}
              <span class="muted">
                {attempts(one)}, given up <Time at={one.at} />
              </span>
            </span>
            <Buttons>
              <button type="button" aria-label={`Redeliver ${name(one)}`} onClick={() => redeliver([one])}>
                Redeliver
              </button>
              <button type="button" class="danger" aria-label={`Discard ${name(one)}`} onClick={() => discard([one], false)}>
                Discard
              </button>
            </Buttons>
          </>
        )}
      </List>
    </Panel>
  );
}

/** Shown only if there are any: in a building that works there are none. */
export function Rejected({ status, events }: { status: Status; events: DoorEvent[] }) {
  // The driver reports each as its last error; one with the same reason is seen after the next event.
  const listed = useListed("rejected", `${status.last_error} ${events[0]?.number}`, false);
  const { discard } = useDeadLetters();
  if (!listed.deliveries?.length) return null;
  return (
    <Panel id="rejected" title="Events that could not be read" aside={<Count of={listed.deliveries.length} />}>
      <List listed={listed} none="">
        {(one) => (
          <>
            <span class="what">
              <Time at={one.at} />
              <span class="why">{one.reason}</span>
            </span>
            <code class="raw">{one.raw}</code>
            <Buttons>
              <button type="button" class="danger" aria-label={`Discard the event of ${one.at && shown(one.at)}`} onClick={() => discard([one], false)}>
                Discard
              </button>
            </Buttons>
          </>
        )}
      </List>
    </Panel>
  );
}

function useDeadLetters() {
  const { act, ask } = useActs();
  const ids = (all: Delivery[]) => ({ ids: all.map(({ id }) => id) });
  const redeliver = (all: Delivery[]) => act(async () => redelivered(await call("redeliver", ids(all))));
  const discard = (all: Delivery[], isPending: boolean) => {
    const what = all.length === 1 ? name(all[0]!) : `these ${all.length}`;
    ask({
      title: `Discard ${what}?`,
      text: isPending ? "It becomes a dead letter, which can be redelivered." : "It is gone for good.",
      verb: "Discard",
      act: () =>
        act(async () => {
          const { discarded } = await call<{ discarded: number }>("discard", ids(all));
          return `Discarded: ${discarded}`;
        }),
    });
  };
  return { redeliver, discard };
}

interface ListProps {
  listed: Listed;
  none: string;
  children: (one: Delivery) => ComponentChildren;
}

function List({ listed, none, children }: ListProps) {
  const { deliveries, hasMore, more } = listed;
  return (
    <>
      <ul class="rows">
        {deliveries?.map((one) => (
          <li key={one.id}>{children(one)}</li>
        ))}
      </ul>
      {deliveries?.length === 0 && <Nothing>{none}</Nothing>}
      {hasMore && (
        <button type="button" class="more" onClick={more}>
          Show more
        </button>
      )}
    </>
  );
}

function What({ delivery, status }: { delivery: Delivery; status: Status }) {
  const to = status.subscriptions?.find(({ id }) => id === delivery.subscription);
  return (
    <span class="what">
      <span>
        <span class="mono">{delivery.door_id}</span> {delivery.action && <Action action={delivery.action} />}
      </span>
      <span class="muted">
        <Time at={parsed(delivery.timestamp)} /> to <span class="mono">{to?.webhook ?? "a subscription that is gone"}</span>
      </span>
    </span>
  );
}

function Buttons({ children }: { children: ComponentChildren }) {
  return <div class="buttons">{children}</div>;
}

function Count({ of }: { of: number | undefined }) {
  return <span class="muted">{of}</span>;
}

function attempts({ attempts = 0 }: Delivery): string {
  return attempts === 1 ? "1 attempt" : `${attempts} attempts`;
}

/** What tells a delivery from others, for those who hear it. */
function name({ door_id, action, timestamp }: Delivery): string {
  const at = parsed(timestamp);
  return [door_id ?? "an event", action, at === undefined ? "" : shown(at)].filter(Boolean).join(", ");
}
