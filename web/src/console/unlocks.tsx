// Who asked for which door, and what came of it. Newest first.

import { useEffect, useState } from "preact/hooks";

import { State, type Tone } from "../shared/state";
import { words } from "./action";
import { useActs } from "./act";
import { type Unlock, call } from "./api";
import { Nothing, Panel, Time } from "./panel";

const TONES: Record<string, Tone> = { unlocked: "good", asked: "plain" };

const LISTED = 10;
const DAY_MS = 86_400_000;
/** The driver lists the oldest first: so many pages of a day are read to find the latest. */
const PAGES = 10;
const PAGE = 500;
const AGAIN_MS = 15_000;

export function Unlocks() {
  const { done } = useActs();
  const [unlocks, setUnlocks] = useState<Unlock[]>();
  useEffect(() => {
    const load = () => latest().then(setUnlocks, () => {}); // It comes again.
    load();
    const timer = setInterval(load, AGAIN_MS);
    return () => clearInterval(timer);
  }, [done]);
  return (
    <Panel id="unlocks" title="Unlocks of the last day">
      <ul class="rows">
        {unlocks?.map((one) => (
          <li key={one.id}>
            <Time at={one.at} />
            <span class="mono">{one.door_id}</span>
            <State tone={TONES[one.outcome] ?? "warn"}>{words(one.outcome)}</State>
            <span class="muted">
              by {one.caller ?? "nobody known"}
              {one.why && `: ${one.why}`}
            </span>
          </li>
        ))}
      </ul>
      {unlocks?.length === 0 && <Nothing>Nobody has asked for a door.</Nothing>}
    </Panel>
  );
}

async function latest(): Promise<Unlock[]> {
  const from = new Date(Date.now() - DAY_MS).toISOString();
  let after: string | null = null;
  let last: Unlock[] = [];
  for (let page = 0; page < PAGES; page++) {
    const asked: object = after === null ? { from, limit: PAGE } : { from, limit: PAGE, after };
    const answer: { unlocks: Unlock[]; next: string | null } = await call("unlocks", asked);
    last = [...last, ...answer.unlocks].slice(-LISTED);
    after = answer.next;
    if (after === null) break;
  }
  return last.reverse();
}
