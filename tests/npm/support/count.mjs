// Counts the cases of a suite that others wrote.

import assert from "node:assert/strict";

/** A count of the cases that were run. What it says in the end is a line that `cargo xtask test` looks for. */
export function counting(suite) {
  let run = 0;
  const failures = [];
  const check = () => {
    assert.ok(run > 0, `nothing of ${suite} was run`);
    assert.deepEqual(failures, [], `${failures.length} of ${run} failed`);
  };
  return {
    /** Fails if any case has, or if there was none. */
    check,
    /** One case more; `wrong` says what is wrong with it, if anything is. */
    add(wrong) {
      run += 1;
      if (wrong) failures.push(wrong);
    },
    /** Says how many there were. */
    end() {
      check();
      console.log(`foreign ${suite}: ${run} run, ${run} passed`);
    },
  };
}
