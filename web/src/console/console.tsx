// The console as a whole.

import { useState } from "preact/hooks";

import { Confirm, type Question } from "../shared/confirm";
import { State } from "../shared/state";
import { type Acts, ActsContext } from "./act";
import { post } from "./api";
import { Charts } from "./charts";
import { DeadLetters, Rejected, Waiting } from "./deliveries";
import { Doors } from "./doors";
import { Events } from "./events";
import { Figures } from "./figures";
import { useLive } from "./live";
import { Subscriptions } from "./subscriptions";
import { Unlocks } from "./unlocks";

interface Props {
  /** Whether somebody is logged in; before that is known, there is the frame only. */
  isOpen: boolean;
  loggedOut: () => void;
}

export function Console({ isOpen, loggedOut }: Props) {
  return isOpen ? <Open loggedOut={loggedOut} /> : <Bar />;
}

function Open({ loggedOut }: { loggedOut: () => void }) {
  const live = useLive(loggedOut);
  const [notice, setNotice] = useState("");
  const [question, setQuestion] = useState<Question>();
  const [done, setDone] = useState(0);
  const acts: Acts = {
    act: async (what) => {
      const sentence = await what().catch((reason: Error) => `It failed: ${reason.message}`);
      setNotice(sentence.endsWith(".") ? sentence : `${sentence}.`);
      setDone((done) => done + 1);
    },
    ask: setQuestion,
    done,
  };
  const leave = async () => {
    await post("/logout", {}).catch(() => {});
    loggedOut();
  };
  const { status, receivers, events, lastAt, isConnected } = live;
  return (
    <ActsContext.Provider value={acts}>
      <Bar>
        <span role="status" class="link">
          {isConnected ? <State tone="good">Live</State> : <State tone="warn">Connecting</State>}
        </span>
        <button type="button" onClick={leave}>
          Log out
        </button>
      </Bar>
      <main>
        <div role="status" class="alerts">
          {status.alert?.map((sentence) => (
            <p key={sentence}>
              <State tone="warn">Alert</State> {sentence}
            </p>
          ))}
        </div>
        <Figures status={status} />
        <Charts />
        <div class="columns">
          <div>
            <Doors lastAt={lastAt} />
            <Events events={events} />
            <Unlocks />
          </div>
          <div>
            <Subscriptions status={status} receivers={receivers} />
            <Waiting status={status} />
            <DeadLetters status={status} />
            <Rejected status={status} events={events} />
          </div>
        </div>
      </main>
      <div role="status" class="notice">
        {notice && (
          <p>
            {notice}
            <button type="button" onClick={() => setNotice("")}>
              Dismiss
            </button>
          </p>
        )}
      </div>
      {question && <Confirm question={question} close={() => setQuestion(undefined)} />}
    </ActsContext.Provider>
  );
}

function Bar({ children }: { children?: preact.ComponentChildren }) {
  return (
    <header class="bar">
      <h1>Rhombus driver</h1>
      {children}
    </header>
  );
}
