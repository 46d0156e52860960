// The last hour: events a minute, how long deliveries took, what waited. The same as a table, for those
// who do not see it or want the numbers.

import { useEffect, useState } from "preact/hooks";

import { shown, span } from "../shared/time";
import { type Minute, get } from "./api";

const WIDTH = 360;
const HEIGHT = 84;
const AGAIN_MS = 10_000;

export function Charts() {
  const [minutes, setMinutes] = useState<Minute[]>([]);
  useEffect(() => {
    const load = () => get<{ minutes: Minute[] }>("/api/charts").then((all) => setMinutes(all.minutes), () => {});
    load();
    const timer = setInterval(load, AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  const events = minutes.map((one) => one.events);
  const p50 = minutes.map((one) => one.p50);
  const p99 = minutes.map((one) => one.p99);
  const pending = minutes.map((one) => one.pending);
  return (
    <section class="panel charts" aria-label="The last hour">
      <div class="figures-of-charts">
        <Chart title="Events a minute" now={count(last(events))} most={count(most(events))}>
          <Bars values={events} top={most(events)} />
        </Chart>
        <Chart
          title="Delivery latency"
          now={`p50 ${latency(last(p50))}, p99 ${latency(last(p99))}`}
          most={latency(most(p99))}
          legend="solid p50, dashed p99"
        >
          <Line values={p50} top={most(p99)} />
          <Line values={p99} top={most(p99)} isDashed />
        </Chart>
        <Chart title="Backlog" now={count(last(pending))} most={count(most(pending))}>
          <Bars values={pending} top={most(pending)} />
        </Chart>
      </div>
      <details>
        <summary>As a table</summary>
        <Table minutes={minutes} />
      </details>
    </section>
  );
}

interface ChartProps {
  title: string;
  /** In the latest minute, and the most in the hour. */
  now: string;
  most: string;
  legend?: string;
  children: preact.ComponentChildren;
}

function Chart({ title, now, most, legend, children }: ChartProps) {
  const description = `${title}: ${now} in the latest minute, ${most} at most in the last hour`;
  return (
    <figure>
      <figcaption>
        <strong>{title}</strong>
        <span>{now}</span>
        {!legend && <span class="muted">most {most}</span>}
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={description}>
        <path class="floor" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
        {children}
      </svg>
      <div class="axis muted" aria-hidden="true">
        <span>an hour ago</span>
        <span>{legend}</span>
        <span>now</span>
      </div>
    </figure>
  );
}

type Values = (number | null)[];

function Bars({ values, top }: { values: Values; top: number }) {
  const step = WIDTH / Math.max(values.length, 1);
  return (
    <g class="bars">
      {values.map((value, index) => {
        if (!value) return null;
        const height = Math.max((value / top) * (HEIGHT - 4), 2);
        return <rect key={index} x={index * step + 0.75} y={HEIGHT - height} width={step - 1.5} height={height} />;
      })}
    </g>
  );
}

/** Minutes without a value are gaps; one between two gaps is a short stroke. */
function Line({ values, top, isDashed }: { values: Values; top: number; isDashed?: boolean }) {
  const step = WIDTH / Math.max(values.length, 1);
  let path = "";
  let isDrawing = false;
  values.forEach((value, index) => {
    if (value === null) {
      isDrawing = false;
      return;
    }
    const y = HEIGHT - Math.max((value / top) * (HEIGHT - 4), 1);
    path += isDrawing ? `L${(index + 0.5) * step} ${y}` : `M${index * step} ${y}H${(index + 0.5) * step}`;
    isDrawing = true;
  });
  return <path class={isDashed ? "line dashed" : "line"} d={path} />;
}

function Table({ minutes }: { minutes: Minute[] }) {
  const cell = (value: number | null, format = count) => <td class="number">{format(value)}</td>;
  return (
    <table>
      <caption class="unseen">The last hour by minute, latest first</caption>
      <thead>
        <tr>
          {["Minute", "Events", "Delivered", "Failed attempts", "p50", "p99", "Backlog"].map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {minutes.toReversed().map((one) => (
          <tr key={one.at}>
            <th scope="row">{shown(one.at)}</th>
            {cell(one.events)}
            {cell(one.delivered)}
            {cell(one.failed)}
            {cell(one.p50, latency)}
            {cell(one.p99, latency)}
            {cell(one.pending)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const most = (values: Values) => values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);

const count = (value: number | null) => (value === null ? "–" : String(value));

const latency = (value: number | null) => (value ? span(value) : "–");

const last = (values: Values) => values.at(-1) ?? null;
