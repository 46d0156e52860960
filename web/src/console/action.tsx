// What can happen at a door.

import { State, type Tone } from "../shared/state";

const TONES: Record<string, Tone> = {
  granted: "good",
  denied: "warn",
  tamper: "bad",
  duress: "bad",
  forced_door: "bad",
  security_breach: "bad",
};

export function Action({ action }: { action: string }) {
  const word = action
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "_");
  return <State tone={TONES[word] ?? "plain"}>{words(word)}</State>;
}

/** `request_to_exit` is `Request to exit`. */
export function words(name: string): string {
  const text = name.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
