// What was asked of the driver, and what it answered.

import { State } from "../shared/state";
import type { Answered, Session } from "./engine/session";
import { Code, Log } from "./marks";
import type { Remote } from "./remote";
import { clock } from "./time";

export interface Exchange {
  /** Counted from 1. */
  number: number;
  at: number;
  /** The method, or what else it was. */
  asked: string;
  /** The body as it was sent; empty if there was none. */
  body: string;
  /** Of an event the door that it was at, of an unlock the one that was to open. */
  door?: string;
  answer: string;
  isGood: boolean;
  headers: readonly (readonly [name: string, value: string])[];
  answered: string;
}

export type Note = (exchange: Omit<Exchange, "number">) => void;

/** Sends a webhook request, and notes the answer. */
export async function request(
  session: Remote<Session>,
  note: Note,
  method: string,
  body: string,
  door?: string,
) {
  const answer: Answered = await session.request(method, body);
  note({
    at: answer.at,
    asked: method,
    body,
    ...(door === undefined ? {} : { door }),
    answer: String(answer.status),
    isGood: answer.status < 300,
    headers: answer.headers,
    answered: answer.body,
  });
  return answer;
}

/** Offers a door event, and notes the answer. */
export async function event(
  session: Remote<Session>,
  note: Note,
  body: string,
  door: string,
): Promise<string> {
  const { at, told } = await session.event(body);
  const [answer = "", reason = ""] = told.split(/: (.*)/s);
  note({
    at,
    asked: "Door event",
    body,
    door,
    answer,
    isGood: answer === "accepted",
    headers: [],
    answered: reason,
  });
  return told;
}

/** Calls a function for operators, and notes the answer. */
export async function operate(session: Remote<Session>, note: Note, name: string, args: object) {
  const body = JSON.stringify(args);
  const { at, told } = await session.operate(name, body);
  const isGood = !/^(unknown|invalid|failed)/.test(told);
  note({ at, asked: name, body, answer: isGood ? "done" : "failed", isGood, headers: [], answered: told });
}

/** The latest first. */
export function Exchanges({ exchanges }: { exchanges: Exchange[] }) {
  if (exchanges.length === 0) return <p class="muted">Nothing was asked yet.</p>;
  return (
    <Log>
      {exchanges.map(({ number, at, asked, body, answer, isGood, headers, answered }, index) => (
        <li key={number}>
          <details open={index === 0}>
            <summary>
              <span class="mono">{clock(at)}</span> <b>{asked}</b>{" "}
              <State tone={isGood ? "good" : "bad"}>{answer}</State>
            </summary>
            {body && <Code label={`Sent: ${asked} ${number}`}>{body}</Code>}
            {!body && <p class="muted">Sent without a body.</p>}
            <Code label={`Answered to ${asked} ${number}`}>
              {[answer, ...headers.map(([name, value]) => `${name}: ${value}`), "", answered]
                .join("\n")
                .trim()}
            </Code>
          </details>
        </li>
      ))}
    </Log>
  );
}
