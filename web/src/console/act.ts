// What an operator has done, and what came of it.

import { createContext } from "preact";
import { useContext } from "preact/hooks";

import type { Question } from "../shared/confirm";

export interface Acts {
  /** Does something and tells, in the line at the bottom, the sentence that it answers or why it failed. */
  act: (what: () => Promise<string>) => void;
  /** Asks first. */
  ask: (question: Question) => void;
  /** Rises when something was done: what is listed may have changed. */
  done: number;
}

export const ActsContext = createContext<Acts>({ act: () => {}, ask: () => {}, done: 0 });

export const useActs = () => useContext(ActsContext);
