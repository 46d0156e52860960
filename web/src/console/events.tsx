// The latest door events, newest first. What changes by itself can be held still.

import { useState } from "preact/hooks";

import { parsed } from "../shared/time";
import { Action } from "./action";
import type { DoorEvent } from "./api";
import { Nothing, Panel, Time } from "./panel";

export function Events({ events }: { events: DoorEvent[] }) {
  const [held, setHeld] = useState<DoorEvent[]>();
  const listed = held ?? events;
  const pause = (
    <button type="button" aria-pressed={held !== undefined} onClick={() => setHeld(held ? undefined : events)}>
      Hold still
    </button>
  );
  return (
    <Panel id="events" title="Door events" aside={pause}>
      <div role="log" aria-label="Door events as they come">
        <ol class="rows">
          {listed.map((event) => (
            <li key={event.number} class="fresh">
              <Time at={parsed(event.timestamp) ?? event.at} />
              <span class="mono">{event.door_id}</span>
              <Action action={event.action} />
              <span>{event.user_name}</span>
            </li>
          ))}
        </ol>
      </div>
      {!listed.length && <Nothing>No event has come since the gateway was started.</Nothing>}
    </Panel>
  );
}
