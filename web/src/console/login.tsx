// The admin key, once.

import { useEffect, useRef, useState } from "preact/hooks";

import { post } from "./api";

export function Login({ loggedIn, failure }: { loggedIn: () => void; failure: string }) {
  const [error, setError] = useState(failure);
  const [isBusy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      await login(field.current?.value ?? "");
      loggedIn();
    } catch (reason) {
      setError((reason as Error).message);
      setBusy(false);
      field.current?.select();
    }
  };
  return (
    <main class="login">
      <form class="panel" onSubmit={submit}>
        <h1>Rhombus driver</h1>
        <input type="text" autocomplete="username" value="admin" readonly hidden />
        <label for="key">Admin key</label>
        <input
          id="key"
          ref={field}
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          required
          aria-describedby="where wrong"
          aria-invalid={error !== ""}
        />
        <p id="where" class="muted">
          It is <code>admin_key</code> in <code>access.json</code>, in the gateway's data folder.
        </p>
        <p id="wrong" class="wrong" role="alert">
          {error && `Not logged in: ${error}.`}
        </p>
        <button type="submit" class="primary" disabled={isBusy}>
          Log in
        </button>
      </form>
    </main>
  );
}

export const login = (key: string) => post("/login", { key: key.trim() });

/**
 * The key in a login link, `#key=…`, which a terminal shows. What follows `#` is in no request; it is
 * taken out of the address bar, and so out of the history, before anything else happens.
 */
export function keyOfLink(): string | undefined {
  const key = /^#key=([\w-]+)$/.exec(location.hash)?.[1];
  if (key) history.replaceState(null, "", location.pathname);
  return key;
}
