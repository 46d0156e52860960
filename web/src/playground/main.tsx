// The page: begins a session in the worker, and shows it.

import { render } from "preact";

import { App } from "./app";
import type { Session } from "./engine/session";
import { connect } from "./remote";
import type { News } from "./worker";

const root = document.getElementById("playground") as HTMLElement;
const worker = new URL(root.dataset["worker"] ?? "", document.baseURI);

const realm = new Worker(worker, { type: "module" });
realm.onerror = () => show({ problem: "the worker's script cannot be run" });
const session = connect<Session>(realm, (news) => show(news as News));

function show(news: News | undefined): void {
  const shown = news === undefined || "problem" in news ? { ...news } : { snapshot: news };
  render(<App session={session} worker={worker} {...shown} />, root);
}

root.replaceChildren();
show(undefined);
