import { useState } from "preact/hooks";

import { ACTIONS, DOORS, PEOPLE, eventAt, type Action, type Door, type Person } from "./building";
import type { Session, Snapshot } from "./engine/session";
import { event, type Exchange, type Note } from "./exchanges";
import { Section } from "./marks";
import { Plan } from "./plan";
import type { Remote } from "./remote";

interface Props {
  session: Remote<Session>;
  snapshot: Snapshot;
  /** Somebody has subscribed. */
  isHeard: boolean;
  exchanges: Exchange[];
  note: Note;
}

/** What is first chosen: somebody is let in. */
const [ANN, GRANTED, ENTRANCE] = [PEOPLE[0] as Person, ACTIONS[0] as Action, DOORS[0] as Door];

/** The demo building: who does what, and at which door. */
export function Building({ session, snapshot, isHeard, exchanges, note }: Props) {
  const [person, setPerson] = useState(ANN);
  const [action, setAction] = useState<Action>(GRANTED);
  const [told, setTold] = useState("");

  const badge = async (door: Door) => {
    const answer = await event(session, note, eventAt(door, action, person, snapshot.now), door.id);
    const who = action.isOfPerson ? `${person.name}, ` : "";
    const fate = isHeard ? "on its way to every subscriber" : "but nobody has subscribed yet";
    const how = answer === "accepted" ? `accepted, ${fate}` : answer;
    setTold(`${who}${door.label}, ${action.label.toLowerCase()}: ${how}.`);
  };

  return (
    <Section
      id="building"
      title="Building"
      hint="Choose who and what, then a door; or drag somebody to a door."
    >
      <fieldset class="radios people">
        <legend>Who</legend>
        {PEOPLE.map((each) => (
          <label key={each.card} draggable onDragStart={() => setPerson(each)}>
            <input type="radio" name="person" checked={each === person} onChange={() => setPerson(each)} />
            <span>{each.name}</span>
          </label>
        ))}
      </fieldset>
      <Actions action={action} setAction={setAction} />
      <Plan last={lastAtDoors(exchanges)} onDoor={(door) => void badge(door)} />
      <p class="told" role="status">
        {told || "Nobody has come to a door yet."}
      </p>
      <WithoutPlan badge={badge} />
    </Section>
  );
}

function Actions({ action, setAction }: { action: Action; setAction: (action: Action) => void }) {
  const choice = (each: Action) => (
    <label key={each.name}>
      <input type="radio" name="action" checked={each === action} onChange={() => setAction(each)} />
      <span>{each.label}</span>
    </label>
  );
  return (
    <fieldset class="radios">
      <legend>What happens</legend>
      {ACTIONS.slice(0, 2).map(choice)}
      <details class="more">
        <summary>More</summary>
        <div class="radios">{ACTIONS.slice(2).map(choice)}</div>
      </details>
    </fieldset>
  );
}

/** For those to whom a plan means nothing. */
function WithoutPlan({ badge }: { badge: (door: Door) => Promise<void> }) {
  const [door, setDoor] = useState(ENTRANCE);
  const submit = (event: Event) => {
    event.preventDefault();
    void badge(door);
  };
  const choose = (id: string) => setDoor(DOORS.find((door) => door.id === id) ?? ENTRANCE);
  return (
    <details>
      <summary>Without the plan</summary>
      <form class="fields" onSubmit={submit}>
        <label>
          Door
          <select value={door.id} onChange={(event) => choose(event.currentTarget.value)}>
            {DOORS.map(({ id, description }) => (
              <option key={id} value={id}>
                {description}
              </option>
            ))}
          </select>
        </label>
        <div class="buttons">
          <button>Badge there</button>
        </div>
      </form>
    </details>
  );
}

/** What was last heard of each door: an event there, or an unlock. */
function lastAtDoors(exchanges: Exchange[]): Map<string, { told: string; isGood: boolean }> {
  const last = new Map<string, { told: string; isGood: boolean }>();
  // The oldest first, so that later ones replace it.
  for (const { door, asked, body, isGood } of [...exchanges].reverse()) {
    if (door === undefined) continue;
    if (asked === "PUT") last.set(door, { told: isGood ? "unlocked" : "not unlocked", isGood });
    else {
      const { action } = JSON.parse(body) as { action: string };
      last.set(door, { told: action.replaceAll("_", " "), isGood: action === "granted" });
    }
  }
  return last;
}
