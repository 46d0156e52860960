import { useState } from "preact/hooks";

import type { Room } from "./engine/room";
import { connect } from "./remote";

/** Fixtures as JSON text, by behaviour and case. */
export type Texts = Record<string, string>;

/** A worker for fixtures: a realm has one clock, so that each has to have its own. */
export function roomIn(worker: URL): Worker {
  return new Worker(`${worker}#fixtures`, { type: "module" });
}

/** Plays every fixture, and counts. */
export function AllFixtures({ texts, worker }: { texts: Texts; worker: URL }) {
  const [played, setPlayed] = useState(0);
  const [failures, setFailures] = useState<string[]>([]);
  const [isPlaying, setPlaying] = useState(false);
  const count = Object.keys(texts).length;

  const play = async () => {
    setPlaying(true);
    setFailures([]);
    const realm = roomIn(worker);
    const room = connect<Room>(realm);
    for (const [index, [name, text]] of Object.entries(texts).entries()) {
      const why = await room.play(text).catch((error: Error) => error.message);
      if (why !== undefined) setFailures((before) => [...before, `${name}: ${why}`]);
      setPlayed(index + 1);
    }
    realm.terminate();
    setPlaying(false);
  };

  return (
    <>
      <div class="buttons">
        <button type="button" disabled={isPlaying} onClick={() => void play()}>
          Play all {count}
        </button>
        {/* Told when it is over: hundreds of numbers are nothing to listen to. */}
        <span class="muted" aria-hidden={!isPlaying}>
          {isPlaying && `${played} of ${count}`}
        </span>
        <span id="all-fixtures" role="status">
          {!isPlaying && played > 0 && `${played - failures.length} of ${played} fixtures passed.`}
        </span>
      </div>
      {failures.length > 0 && (
        <ul class="rules mono">
          {failures.map((failure) => (
            <li key={failure}>{failure}</li>
          ))}
        </ul>
      )}
    </>
  );
}
