// Fixtures, one after the other, each in a world of its own.

import { read, type Fixture, type Step } from "./fixture";
import { parseOrNull, type Json } from "./json";
import { Player, type Check } from "./player";

/** A fixture as the page shows it. */
export interface Opened {
  about: string;
  /** JSON text. */
  settings: string | undefined;
  steps: { title: string; json: string }[];
}

/** A step that was taken. */
export interface Taken {
  checks: Check[];
  /** Milliseconds since the fixture began. */
  elapsed: number;
}

export class Room {
  #fixture: Fixture | undefined;
  #player: Player | undefined;
  #next = 0;

  /** Opens a fixture, JSON text, and loads the module. Rejects with why it does not load. */
  async open(json: string): Promise<Opened> {
    const fixture = read(json);
    this.#player = await Player.load(fixture);
    this.#fixture = fixture;
    this.#next = 0;
    const { about, settings, steps } = fixture;
    return {
      about,
      settings: settings === undefined ? undefined : JSON.stringify(settings, undefined, 2),
      steps: steps.map((step) => ({ title: title(step), json: JSON.stringify(step, undefined, 2) })),
    };
  }

  /** Takes the next step of the fixture that is open; nothing after the last. */
  async step(): Promise<Taken | undefined> {
    const step = this.#fixture?.steps[this.#next];
    if (step === undefined || this.#player === undefined) return undefined;
    this.#next += 1;
    const checks = await this.#player.take(step);
    return { checks, elapsed: this.#player.elapsed };
  }

  /** Plays a whole fixture; answers what is wrong, if anything is. */
  async play(json: string): Promise<string | undefined> {
    await this.open(json);
    for (let taken; (taken = await this.step());) {
      const wrong = taken.checks.find((check) => !check.isRight);
      if (wrong === undefined) continue;
      return `step ${this.#next}: ${wrong.what}: expected ${wrong.expected}; came ${wrong.came}`;
    }
    return undefined;
  }
}

function title(step: Step): string {
  switch (step.do) {
    case "request": {
      const times = step.times === undefined ? "" : `, ${step.times} times`;
      return `${step.method}${times}${step.trap ? ", in the middle of which the module is ended" : ""}`;
    }
    case "event":
      return `A door event${where(step.event)}${step.trap ? ", in the middle of which the module is ended" : ""}`;
    case "update":
      return "New settings";
    case "together":
      return `${step.steps.length} things at once`;
    case "call":
      return `An operator calls ${step.function}`;
    case "advance":
      return `${duration(step.ms)} pass`;
    case "restart":
      return "The module is killed and loaded again";
    case "lose_store":
      return "The store is lost, and the module loaded again";
    case "world":
      return `The world changes: ${Object.keys(step)
        .filter((name) => name !== "do")
        .join(", ")}`;
    case "status":
      return "What operators see";
    case "saved":
      return "What was saved among the settings";
    case "store":
      return "What the store holds";
  }
}

/** Which door, and what happened there, as far as the event can be read. */
function where(event: Json): string {
  const read = typeof event === "string" ? parseOrNull(event) : event;
  const { door_id, action } = (read ?? {}) as Record<string, Json>;
  return typeof door_id === "string" && typeof action === "string" ? `: ${door_id}, ${action}` : "";
}

function duration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}
