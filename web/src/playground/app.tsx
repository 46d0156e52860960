import { useState } from "preact/hooks";

import { Building } from "./building-view";
import { ClockBar } from "./clock-bar";
import type { Session, Snapshot } from "./engine/session";
import type { Exchange } from "./exchanges";
import { Fixtures } from "./fixtures-view";
import { subscribers } from "./outbox";
import { Outbox } from "./outbox-view";
import { Receivers } from "./receivers";
import type { Remote } from "./remote";
import { Requests } from "./requests";
import { Timeline } from "./timeline";
import { Tour, nextStep, useProgress } from "./tour";

interface Props {
  session: Remote<Session>;
  /** Nothing until the module is loaded. */
  snapshot?: Snapshot;
  /** Why it is not. */
  problem?: string;
  /** Where the worker's script is. */
  worker: URL;
}

/** What is shown while the module loads: the same page, of a session in which nothing has happened. */
const NOTHING: Snapshot = { now: 0, speed: 1, records: [], status: {}, attempts: [], pauses: [] };

/** So many exchanges are remembered. */
const EXCHANGES = 50;

export function App({ session, snapshot = NOTHING, problem, worker }: Props) {
  const [exchanges, setExchanges] = useState<Exchange[]>([]);
  const [isVerified, setVerified] = useState(false);
  const all = subscribers(snapshot);
  const done = useProgress(snapshot, all, isVerified);

  const note = (exchange: Omit<Exchange, "number">) =>
    setExchanges((before) => [
      { ...exchange, number: (before[0]?.number ?? 0) + 1 },
      ...before.slice(0, EXCHANGES - 1),
    ]);

  return (
    <>
      <ClockBar session={session} snapshot={snapshot} problem={problem} next={nextStep(done)?.text} />
      <main>
        <Tour done={done} />
        <div class="columns">
          <div class="column">
            <Building
              session={session}
              snapshot={snapshot}
              isHeard={all.length > 0}
              exchanges={exchanges}
              note={note}
            />
            <Requests session={session} exchanges={exchanges} note={note} />
          </div>
          <div class="column">
            <Receivers
              session={session}
              snapshot={snapshot}
              subscribers={all}
              note={note}
              onVerified={() => setVerified(true)}
            />
          </div>
        </div>
        <Outbox session={session} snapshot={snapshot} subscribers={all} note={note} />
        <Timeline snapshot={snapshot} subscribers={all} />
        <Fixtures worker={worker} />
      </main>
    </>
  );
}
