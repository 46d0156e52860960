import { useState } from "preact/hooks";

import type { Session, Snapshot } from "./engine/session";
import type { Remote } from "./remote";
import { clock, date } from "./time";

const SPEEDS: [speed: number, label: string][] = [
  [0, "Paused"],
  [1, "1×"],
  [10, "10×"],
  [60, "60×"],
  [600, "600×"],
];

interface Props {
  session: Remote<Session>;
  snapshot: Snapshot;
  /** Why there is no module. */
  problem: string | undefined;
  /** The tour's next step. */
  next: string | undefined;
}

/** Virtual time, how fast it runs, and what to try next. */
export function ClockBar({ session, snapshot, problem, next }: Props) {
  const [told, setTold] = useState("");

  const skip = async () => {
    const happened = await session.skip();
    setTold(happened ? "" : "Nothing waits for time to pass.");
  };

  return (
    <div class="clock-bar" role="region" aria-label="Time">
      <p class="now" id="now">
        {snapshot.now === 0 && (problem ? `The module does not load: ${problem}` : "The module is loading")}
        {snapshot.now > 0 && (
          <>
            <span class="date">{date(snapshot.now)}, </span>
            {clock(snapshot.now)} UTC
          </>
        )}
      </p>
      <button type="button" onClick={() => void skip()}>
        To the next event
      </button>
      <fieldset class="radios">
        <legend class="unseen">How fast time runs</legend>
        {SPEEDS.map(([speed, label]) => (
          <label key={speed}>
            <input
              type="radio"
              name="speed"
              checked={snapshot.speed === speed}
              onChange={() => void session.setSpeed(speed)}
            />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      <p class="muted" role="status">
        {told}
      </p>
      {next && <p class="next-step muted">Next: {next}</p>}
    </div>
  );
}
