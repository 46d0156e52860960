import { useState } from "preact/hooks";

import { State } from "../shared/state";
import type { Snapshot } from "./engine/session";
import type { Attempt } from "./engine/world";
import { Scrolls, Section } from "./marks";
import type { Subscriber } from "./outbox";
import { clock, length } from "./time";

const MINUTE = 60_000;
const SPANS: [label: string, ms: number | undefined][] = [
  ["All of it", undefined],
  ["1 min", MINUTE],
  ["10 min", 10 * MINUTE],
  ["1 h", 60 * MINUTE],
  ["6 h", 360 * MINUTE],
];
/** The least that is shown, and so many rows of lanes. */
const LEAST = 20_000;
const ROWS = 10;
/** So many attempts are listed in words. */
const LISTED = 40;

/** The drawing's units. */
const [WIDTH, LABELS, ROW, TOP] = [960, 168, 30, 26];

/** One row of the drawing: what one subscriber was sent of one door. */
interface Row {
  name: string;
  url: string;
  attempts: Attempt[];
}

/** When attempts were made, so that retries and pauses can be seen. */
export function Timeline({ snapshot, subscribers }: { snapshot: Snapshot; subscribers: Subscriber[] }) {
  const [span, setSpan] = useState<number | undefined>(undefined);
  const { attempts, now } = snapshot;
  return (
    <Section
      id="timeline"
      title="Attempts"
      hint="One row a lane. The gaps between the attempts are the backoff."
    >
      {attempts.length === 0 && <p class="muted">No attempt was made yet.</p>}
      {attempts.length > 0 && (
        <>
          <fieldset class="radios">
            <legend class="unseen">How far back</legend>
            {SPANS.map(([label, ms]) => (
              <label key={label}>
                <input type="radio" name="span" checked={span === ms} onChange={() => setSpan(ms)} />
                <span>{label}</span>
              </label>
            ))}
          </fieldset>
          <ul class="legend">
            <li>
              <State tone="good">delivered</State>
            </li>
            <li>
              <State tone="bad">failed</State>
            </li>
            <li>
              <State tone="plain">under way</State>
            </li>
            <li>
              <State tone="warn">paused, shaded</State>
            </li>
          </ul>
          <Drawing snapshot={snapshot} subscribers={subscribers} from={from(attempts, now, span)} />
          <Listed attempts={attempts} />
        </>
      )}
    </Section>
  );
}

function Drawing(props: { snapshot: Snapshot; subscribers: Subscriber[]; from: number }) {
  const { snapshot, subscribers, from } = props;
  const { now, attempts, pauses } = snapshot;
  const rows = rowsOf(
    attempts.filter(({ at }) => at >= from),
    subscribers.length > 1,
  );
  const height = TOP + ROW * Math.max(1, rows.length) + 4;
  const x = (at: number) =>
    LABELS + ((Math.max(at, from) - from) / Math.max(1, now - from)) * (WIDTH - LABELS - 16);
  const urls = new Map(subscribers.map(({ id, webhook }) => [id, webhook]));
  return (
    <Scrolls label="The drawing of attempts">
      <svg class="timeline" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={summary(attempts)}>
        {ticks(from, now).map((at) => (
          <g key={at} class="tick-line">
            <path d={`M${x(at)} ${TOP - 6}V${height}`} />
            <text x={x(at)} y={TOP - 12} text-anchor="middle">
              {clock(at)}
            </text>
          </g>
        ))}
        {rows.map((row, index) => (
          <g key={row.name} transform={`translate(0 ${TOP + ROW * index})`}>
            {pauses
              .filter(
                ({ subscription, until }) => urls.get(subscription) === row.url && (until ?? now) > from,
              )
              .map(({ since, until }) => (
                <rect
                  key={since}
                  class="paused"
                  x={x(since)}
                  y="3"
                  width={Math.max(1, x(until ?? now) - x(since))}
                  height={ROW - 6}
                />
              ))}
            <text class="row-name" x="0" y={ROW / 2 + 4}>
              {row.name}
            </text>
            <path class="row-line" d={`M${LABELS} ${ROW / 2}H${WIDTH - 8}`} />
            {row.attempts.map((attempt) => (
              <Mark
                key={attempt.number}
                attempt={attempt}
                from={x(attempt.at)}
                to={x(attempt.end?.at ?? now)}
              />
            ))}
          </g>
        ))}
      </svg>
    </Scrolls>
  );
}

function Mark({ attempt, from, to }: { attempt: Attempt; from: number; to: number }) {
  const { at, end } = attempt;
  const y = ROW / 2;
  return (
    <g class={`mark ${end === undefined ? "plain" : end.isDelivered ? "good" : "bad"}`}>
      <title>{`${clock(at)}: ${end?.told ?? "under way"}`}</title>
      {to - from > 1 && <path class="length" d={`M${from} ${y}H${to}`} />}
      {end === undefined && <circle cx={from} cy={y} r="5" class="ring" />}
      {end?.isDelivered && <circle cx={to} cy={y} r="5.5" />}
      {end && !end.isDelivered && <rect x={to - 5} y={y - 5} width="10" height="10" />}
    </g>
  );
}

function Listed({ attempts }: { attempts: Attempt[] }) {
  return (
    <details>
      <summary>The attempts in words</summary>
      <Scrolls label="The attempts in words">
        <table>
          <thead>
            <tr>
              <th scope="col">Begun at</th>
              <th scope="col">Door</th>
              <th scope="col">Receiver</th>
              <th scope="col">Took</th>
              <th scope="col">Came to</th>
            </tr>
          </thead>
          <tbody>
            {[...attempts.slice(-LISTED)].reverse().map((attempt) => (
              <tr key={attempt.number}>
                <td class="mono">{clock(attempt.at)}</td>
                <td>{doorOf(attempt)}</td>
                <td class="mono">{attempt.url}</td>
                <td>{attempt.end ? length(attempt.end.at - attempt.at) : ""}</td>
                <td>{attempt.end?.told ?? "under way"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolls>
    </details>
  );
}

/** Where the drawing begins. */
function from(attempts: Attempt[], now: number, span: number | undefined): number {
  const first = attempts[0]?.at ?? now;
  const wanted = span ?? now - first + 1000;
  return now - Math.max(wanted, LEAST);
}

/** The lanes with the latest attempts, in the order of their first ones. */
function rowsOf(attempts: Attempt[], areMany: boolean): Row[] {
  const rows = new Map<string, Row>();
  for (const attempt of attempts) {
    const host = areMany ? ` → ${attempt.url.slice(-8)}` : "";
    const name = `${doorOf(attempt)}${host}`;
    const row = rows.get(name + attempt.url) ?? { name, url: attempt.url, attempts: [] };
    row.attempts.push(attempt);
    rows.set(name + attempt.url, row);
  }
  return [...rows.values()].slice(-ROWS);
}

/** Round times, some five of them. */
function ticks(from: number, now: number): number[] {
  const steps = [5, 10, 30, 60, 300, 600, 1800, 3600, 10800, 43200, 86400].map((seconds) => seconds * 1000);
  const step = steps.find((step) => (now - from) / step <= 6) ?? 7 * 86_400_000;
  const first = Math.ceil(from / step) * step;
  const count = Math.max(0, Math.floor((now - first) / step) + 1);
  return Array.from({ length: count }, (_, index) => first + index * step);
}

function summary(attempts: Attempt[]): string {
  const delivered = attempts.filter(({ end }) => end?.isDelivered).length;
  const underWay = attempts.filter(({ end }) => end === undefined).length;
  return `${attempts.length} attempts: ${delivered} delivered, ${underWay} under way, ${attempts.length - delivered - underWay} failed`;
}

function doorOf({ body }: Attempt): string {
  return (JSON.parse(body) as { door_id: string }).door_id;
}
