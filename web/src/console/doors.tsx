// The doors: what happened last, and a button that unlocks.

import { useEffect, useState } from "preact/hooks";

import { Action } from "./action";
import { useActs } from "./act";
import { type Door, type DoorEvent, get, post } from "./api";
import { Nothing, Panel, Time } from "./panel";

/** How many are listed at a time; a field finds the others. */
const MOST = 60;
/** From so many on there is that field. */
const MANY = 20;
const AGAIN_MS = 60_000;

export function Doors({ lastAt }: { lastAt: Record<string, DoorEvent> }) {
  const [doors, setDoors] = useState<Door[]>();
  const [failure, setFailure] = useState("");
  const [wanted, setWanted] = useState("");
  useEffect(() => {
    const load = async () => {
      try {
        setDoors(await get<Door[]>("/api/doors"));
        setFailure("");
      } catch (reason) {
        setFailure((reason as Error).message);
      }
    };
    load();
    const timer = setInterval(load, AGAIN_MS);
    return () => clearInterval(timer);
  }, []);

  const all = doors ?? [];
  const matches = (door: Door) =>
    `${door.door_id} ${door.description ?? ""}`.toLowerCase().includes(wanted.trim().toLowerCase());
  const found = all.filter(matches);
  return (
    <Panel id="doors" title="Doors" aside={<span class="muted">{doors && all.length}</span>}>
      {failure && <p class="wrong" role="alert">The doors cannot be listed: {failure}.</p>}
      {all.length > MANY && (
        <p class="find">
          <label for="find">Find a door</label>
          <input id="find" type="search" onInput={(event) => setWanted(event.currentTarget.value)} />
        </p>
      )}
      <ul class="rows">
        {found.slice(0, MOST).map((door) => (
          <DoorRow key={door.door_id} door={door} last={lastAt[door.door_id]} />
        ))}
      </ul>
      {doors && !found.length && <Nothing>{all.length ? "No door is called so." : "There is no door."}</Nothing>}
      {found.length > MOST && <Nothing>{found.length - MOST} more; find them by name.</Nothing>}
    </Panel>
  );
}

function DoorRow({ door, last }: { door: Door; last: DoorEvent | undefined }) {
  const { act, ask } = useActs();
  const name = door.description ?? door.door_id;
  const unlock = async () => {
    await post("/api/doors/unlock", { door_id: door.door_id });
    return `${name}: unlocked`;
  };
  const question = {
    title: `Unlock ${name}?`,
    text: `The door ${door.door_id} opens at once, and the record of unlocks says that an operator did it.`,
    verb: "Unlock",
    act: () => act(unlock),
  };
  return (
    <li>
      <span class="what">
        <strong>{name}</strong>
        <span class="muted mono">{door.door_id}</span>
      </span>
      {/* Only this is made anew by an event: the button keeps the focus. */}
      <span key={last?.number} class={last ? "last fresh" : "last"}>
        {last ? (
          <>
            <Action action={last.action} />
            <span class="muted">
              {last.user_name && `${last.user_name}, `}
              <Time at={last.at} />
            </span>
          </>
        ) : (
          <span class="muted">nothing yet</span>
        )}
      </span>
      <button type="button" aria-label={`Unlock ${name}`} onClick={() => ask(question)}>
        Unlock
      </button>
    </li>
  );
}
