import { useEffect, useRef, useState } from "preact/hooks";

import all from "fixtures.json";

import { State } from "../shared/state";
import { AllFixtures, roomIn, type Texts } from "./all-fixtures";
import type { Check } from "./engine/player";
import type { Opened, Room, Taken } from "./engine/room";
import { Code, Scrolls, Section } from "./marks";
import { connect, type Remote } from "./remote";
import { length } from "./time";

/** The fixtures' texts by behaviour and case, and a worker to play them in. */
interface Loaded {
  texts: Texts;
  room: Remote<Room>;
}

/** The scenarios that the driver's tests are made of, played by the module in this page. */
export function Fixtures({ worker }: { worker: URL }) {
  const [loaded, setLoaded] = useState<Loaded>();
  const [why, setWhy] = useState("");
  const load = async () => {
    try {
      setLoaded(await loadFixtures(worker));
    } catch {
      setWhy("The fixtures could not be fetched; try again.");
    }
  };
  return (
    <Section
      id="fixtures"
      title="Fixtures"
      hint="Each says in one sentence what a user relies on, then what happens and what must come of it. They are what the driver is tested with everywhere: natively, in the slot, in Node and in browsers."
    >
      {!loaded && (
        <div class="buttons">
          <button type="button" onClick={() => void load()}>
            Fetch the fixtures
          </button>
          <span role="status">{why}</span>
        </div>
      )}
      {loaded && <AllFixtures texts={loaded.texts} worker={worker} />}
      {loaded && <Chooser loaded={loaded} />}
    </Section>
  );
}

async function loadFixtures(worker: URL): Promise<Loaded> {
  const answer = await fetch(new URL(all, import.meta.url));
  const texts = (await answer.json()) as Texts;
  return { texts, room: connect<Room>(roomIn(worker)) };
}

function Chooser({ loaded }: { loaded: Loaded }) {
  const names = Object.keys(loaded.texts);
  const [name, setName] = useState(names.find((name) => name === "post/subscribes") ?? names[0] ?? "");
  const behaviours = [...new Set(names.map(behaviour))];
  return (
    <>
      <div class="fields">
        <label>
          Fixture
          <select name="fixture" value={name} onChange={(event) => setName(event.currentTarget.value)}>
            {behaviours.map((each) => (
              <optgroup key={each} label={each}>
                {names
                  .filter((name) => behaviour(name) === each)
                  .map((name) => (
                    <option key={name} value={name}>
                      {name.slice(each.length + 1)}
                    </option>
                  ))}
              </optgroup>
            ))}
          </select>
        </label>
      </div>
      <OneFixture key={name} text={loaded.texts[name] ?? ""} room={loaded.room} />
    </>
  );
}

function OneFixture({ text, room }: { text: string; room: Remote<Room> }) {
  const [opened, setOpened] = useState<Opened>();
  const [taken, setTaken] = useState<Taken[]>([]);
  const [why, setWhy] = useState("");
  const isWanted = useRef(true);

  const open = async () => {
    try {
      setTaken([]);
      const opened = await room.open(text);
      if (isWanted.current) setOpened(opened);
    } catch (error) {
      setWhy(`The module does not load: ${(error as Error).message}`);
    }
  };
  useEffect(() => {
    void open();
    return () => {
      isWanted.current = false;
    };
  }, []);

  const step = async () => {
    const next = await room.step();
    if (next && isWanted.current) setTaken((before) => [...before, next]);
    return next;
  };
  const toTheEnd = async () => {
    for (let next; (next = await step()) && isRight(next););
  };

  if (opened === undefined) return <p role="status">{why}</p>;
  const { about, settings, steps } = opened;
  const isOver = taken.length === steps.length || taken.some((step) => !isRight(step));
  return (
    <>
      <p class="about">{about}.</p>
      {settings !== undefined && (
        <details>
          <summary>The settings that the module is loaded with</summary>
          <Code label="Settings">{settings}</Code>
        </details>
      )}
      <div class="buttons">
        <button type="button" class="primary" disabled={isOver} onClick={() => void step()}>
          Take the next step
        </button>
        <button type="button" disabled={isOver} onClick={() => void toTheEnd()}>
          Play to the end
        </button>
        <button type="button" onClick={() => void open()}>
          From the beginning
        </button>
        <span role="status">{progress(taken, steps.length)}</span>
      </div>
      <ol class="play">
        {steps.map(({ title, json }, index) => (
          <StepView
            key={index}
            title={title}
            json={json}
            taken={taken[index]}
            isLast={index === taken.length - 1}
          />
        ))}
      </ol>
    </>
  );
}

interface StepProps {
  title: string;
  json: string;
  taken: Taken | undefined;
  isLast: boolean;
}

function StepView({ title, json, taken, isLast }: StepProps) {
  return (
    <li>
      <details open={isLast}>
        <summary>
          <b>{title}</b>{" "}
          {taken && (
            <State tone={isRight(taken) ? "good" : "bad"}>
              {isRight(taken) ? "as expected" : "not as expected"}
            </State>
          )}
          {!taken && <State tone="plain">to come</State>}
          {taken && <span class="muted"> {length(taken.elapsed)} after the beginning</span>}
        </summary>
        {taken && taken.checks.length > 0 && <Checks checks={taken.checks} />}
        <Code label={`The step: ${title}`}>{json}</Code>
      </details>
    </li>
  );
}

function Checks({ checks }: { checks: Check[] }) {
  return (
    <Scrolls label="Expected and came">
      <table class="checks">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Expected</th>
            <th scope="col">Came</th>
          </tr>
        </thead>
        <tbody>
          {checks.map(({ what, expected, came, isRight }, index) => (
            <tr key={index}>
              <th scope="row">
                <State tone={isRight ? "good" : "bad"}>{what}</State>
              </th>
              <td class="mono">{expected}</td>
              <td class="mono">{came}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolls>
  );
}

function progress(taken: Taken[], count: number): string {
  const wrong = taken.findIndex((step) => !isRight(step));
  if (wrong >= 0) return `Step ${wrong + 1} did not come out as it must.`;
  if (taken.length === count) return `All ${count} steps came out as they must.`;
  return `${taken.length} of ${count} steps taken.`;
}

function isRight({ checks }: Taken): boolean {
  return checks.every((check) => check.isRight);
}

function behaviour(name: string): string {
  return name.slice(0, name.indexOf("/"));
}
