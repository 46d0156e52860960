// Who is logged in sees the console, everybody else the way in.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";

import { Refused, get } from "./api";
import { Console } from "./console";
import { Login, keyOfLink, login } from "./login";

/** `asking` while it is not known; the console's frame is shown then. */
type Session = "asking" | "open" | "none";

const key = keyOfLink();

function App() {
  const [session, setSession] = useState<Session>("asking");
  const [failure, setFailure] = useState("");
  const enter = async (key: string | undefined) => {
    try {
      if (key) await login(key);
      else await get("/api/status");
      setSession("open");
    } catch (reason) {
      const { message, status } = reason as Refused;
      setFailure(status === 401 && !key ? "" : message);
      setSession("none");
    }
  };
  useEffect(() => {
    enter(key);
    const linked = () => {
      const key = keyOfLink();
      if (key) enter(key);
    };
    addEventListener("hashchange", linked);
    return () => removeEventListener("hashchange", linked);
  }, []);
  if (session === "none") {
    return <Login loggedIn={() => setSession("open")} failure={failure} />;
  }
  const loggedOut = () => {
    setFailure("");
    setSession("none");
  };
  return <Console key={session} isOpen={session === "open"} loggedOut={loggedOut} />;
}

const root = document.getElementById("console");
if (root) {
  root.replaceChildren();
  render(<App />, root);
}
