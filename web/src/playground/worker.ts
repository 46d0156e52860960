// The worker: the module in a realm of its own, whose time is virtual. A realm has one clock, so a worker
// serves either a session with the building or fixtures.

import { Room } from "./engine/room";
import { Session, type Snapshot } from "./engine/session";
import { say, serve } from "./remote";

/** What the page is told without asking: the session as it is now, or why there is none. */
export type News = Snapshot | { problem: string };

const tell = (news: News) => say(news);

if (location.hash === "#fixtures") serve(new Room());
else {
  const session = Session.begin(tell);
  session.catch((error: Error) => tell({ problem: error.message }));
  serve(session);
}
