const WINDOW_MS = 1_000;
/** Timers may fire, and clocks may be read, a little early. */
const MARGIN_MS = 2;

/** Places for messages in time. */
export interface RateSlots {
  /** Takes a place. @returns false if there is none now. */
  take(): boolean;
  /** Gives a place back. @param used false: nothing was sent after all, so it is free at once. */
  release(used: boolean): void;
  /** Milliseconds until there may be a place; infinite while all are in use. */
  waitMs(): number;
}

/**
 * Never more than so many messages in any one second, counted where it matters: at the mail server.
 *
 * A message takes a place when it begins and gives it back one second after its answer, or after we gave up on one. The
 * mail server saw it at some moment between the two; so of any two messages that had the same place, it saw the second at
 * least a second after the first, however unevenly the network carries them. Counting beginnings alone would let two
 * bursts fall into one second whenever the first one is held up by its connections.
 *
 * A new process begins with all places taken, because it cannot know what its predecessor sent in its last second: a
 * restart gets no fresh budget. One limiter serves all mailings of a process; who asks first gets the place.
 */
export class RateLimiter implements RateSlots {
  /** Free at these moments of the monotonic clock, soonest first; a place that is in use is not in here. */
  readonly #freeAt: number[];

  /** @param perSecond null: no limit. */
  constructor(private readonly perSecond: number | null) {
    this.#freeAt = Array.from({ length: perSecond ?? 0 }, () => performance.now() + WINDOW_MS + MARGIN_MS);
  }

  take(): boolean {
    if (this.perSecond === null) return true;
    if (this.waitMs() > 0) return false;
    this.#freeAt.shift();
    return true;
  }

  release(used: boolean): void {
    if (this.perSecond === null) return;
    if (used) this.#freeAt.push(performance.now() + WINDOW_MS + MARGIN_MS);
    else this.#freeAt.unshift(0);
  }

  waitMs(): number {
    if (this.perSecond === null) return 0;
    const soonest = this.#freeAt[0] ?? Number.POSITIVE_INFINITY;
    return Math.max(0, Math.ceil(soonest - performance.now()));
  }

  /** Both limits at once: a place is taken of each or of none. */
  with(other: RateSlots): RateSlots {
    return {
      take: () => this.waitMs() === 0 && other.take() && this.take(),
      release: (used) => {
        this.release(used);
        other.release(used);
      },
      waitMs: () => Math.max(this.waitMs(), other.waitMs()),
    };
  }
}
