// Virtual time: it passes only when it is told to, from one timer to the next.

type Fire = () => void;

export class Clock {
  /** Milliseconds since the beginning; it only rises. */
  elapsed = 0;
  /** How far the time that the module sees is off, in milliseconds. */
  offset = 0;
  #timers = new Map<number, { at: number; fire: Fire }>();
  #count = 0;

  /** `beginning` is in milliseconds since 1970. */
  constructor(readonly beginning: number) {}

  /** Milliseconds since 1970, as the module sees it. */
  get now(): number {
    return this.beginning + this.elapsed + this.offset;
  }

  /** When the next timer is due, in milliseconds since the beginning, if there is one. */
  get next(): number | undefined {
    let next: number | undefined;
    for (const { at } of this.#timers.values()) if (next === undefined || at < next) next = at;
    return next;
  }

  /** Has `fire` called after `ms` milliseconds; answers what {@link clear} takes. */
  set(fire: Fire, ms: number): number {
    const id = ++this.#count;
    this.#timers.set(id, { at: this.elapsed + Math.max(0, Math.trunc(ms)), fire });
    return id;
  }

  clear(id: number): void {
    this.#timers.delete(id);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.set(resolve, ms));
  }

  /**
   * Lets time pass until `elapsed`, or only to the next timer before; whoever calls settles what it
   * woke, then calls again. `false` if there was none, and time has come to `elapsed`.
   */
  advanceTo(elapsed: number): boolean {
    const at = this.next;
    if (at === undefined || at > elapsed) {
      this.elapsed = Math.max(this.elapsed, elapsed);
      return false;
    }
    this.elapsed = Math.max(this.elapsed, at);
    for (const [id, timer] of [...this.#timers]) {
      // One that fired before it may have cleared it.
      if (timer.at === at && this.#timers.delete(id)) timer.fire();
    }
    return true;
  }
}
