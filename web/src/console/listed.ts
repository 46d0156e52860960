// A list that the driver gives page by page.

import { useEffect, useRef, useState } from "preact/hooks";

import { type Delivery, call } from "./api";
import { useActs } from "./act";

const PAGE = 10;
/** How often a list is asked for anew while it changes by itself. */
const AGAIN_MS = 3000;

interface Page {
  deliveries: Delivery[];
  next: string | null;
}

export interface Listed {
  /** Unknown before the first answer. */
  deliveries: Delivery[] | undefined;
  /** Whether there are more. */
  hasMore: boolean;
  more: () => void;
}

/** The deliveries of a state. They are asked for again when `version` changes, and while `isMoving`. */
export function useListed(state: string, version: unknown, isMoving: boolean): Listed {
  const { done } = useActs();
  const [page, setPage] = useState<Page>();
  const pages = useRef(1);
  const load = async () => {
    const all: Delivery[] = [];
    let next: string | null = null;
    for (let read = 0; read < pages.current; read++) {
      const page: Page = await call<Page>("deliveries", { state, after: next, limit: PAGE });
      all.push(...page.deliveries);
      next = page.next;
      if (next === null) break;
    }
    // A full page may be the last one.
    setPage({ deliveries: all, next: all.length < PAGE * pages.current ? null : next });
  };
  useEffect(() => {
    const attempt = () => load().catch(() => {}); // The connection's state is shown; it comes again.
    attempt();
    if (!isMoving) return undefined;
    const timer = setInterval(attempt, AGAIN_MS);
    return () => clearInterval(timer);
  }, [version, isMoving, done]);
  const more = () => {
    pages.current += 1;
    load().catch(() => {});
  };
  return { deliveries: page?.deliveries, hasMore: page?.next != null, more };
}
