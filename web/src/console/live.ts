// What happens, as the gateway tells it.

import { useEffect, useState } from "preact/hooks";

import { type DoorEvent, type Receiver, Refused, type Status, get } from "./api";

export interface Live {
  isConnected: boolean;
  status: Status;
  receivers: Record<string, Receiver>;
  /** The latest, newest first. */
  events: DoorEvent[];
  lastAt: Record<string, DoorEvent>;
}

const NOTHING: Live = { isConnected: false, status: {}, receivers: {}, events: [], lastAt: {} };

/** How many events are listed. */
const LATEST = 30;
const AGAIN_MS = 2000;

/** Listens for as long as the session lasts; `loggedOut` is called when it has ended. */
export function useLive(loggedOut: () => void): Live {
  const [live, setLive] = useState(NOTHING);
  useEffect(() => {
    let source: EventSource;
    let timer: ReturnType<typeof setTimeout>;
    const listen = () => {
      source = new EventSource("/api/live");
      const on = (name: string, take: (live: Live, data: any) => Live) =>
        source.addEventListener(name, ({ data }) => setLive((live) => take(live, JSON.parse(data))));
      let isFirst = true;
      source.onopen = () => {
        isFirst = true;
        setLive((live) => ({ ...live, isConnected: true }));
      };
      on("doors", (live, events: DoorEvent[]) => {
        // A connection begins with all that is remembered, and the gateway may have started anew.
        const before = isFirst ? { ...live, events: [], lastAt: {} } : live;
        isFirst = false;
        return happened(before, events);
      });
      on("status", (live, status: Status) => ({ ...live, status: { ...live.status, ...status } }));
      on("receivers", (live, receivers: Record<string, Receiver>) => ({
        ...live,
        receivers: { ...live.receivers, ...receivers },
      }));
      source.onerror = () => {
        setLive((live) => ({ ...live, isConnected: false }));
        // A connection that broke the browser makes again; one that was refused it does not.
        if (source.readyState === EventSource.CLOSED) refused();
      };
    };
    const refused = async () => {
      const reason: unknown = await get("/api/status").catch((error) => error);
      if (reason instanceof Refused && reason.status === 401) loggedOut();
      else timer = setTimeout(listen, AGAIN_MS);
    };
    listen();
    return () => {
      clearTimeout(timer);
      source.close();
    };
  }, []);
  return live;
}

function happened(live: Live, events: DoorEvent[]): Live {
  const lastAt = { ...live.lastAt };
  for (const event of events) lastAt[event.door_id] = event;
  return { ...live, lastAt, events: [...events.toReversed(), ...live.events].slice(0, LATEST) };
}
