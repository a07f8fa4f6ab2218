const WINDOW_MS = 1_000;
/** Timers may fire, and clocks may be read, a little early. */
const MARGIN_MS = 2;

/** Slots of a rate limit. */
export interface RateSlots {
  /** Takes a slot. @returns false if none is free. */
  take(): boolean;
  /** Releases a slot. @param used false: nothing was sent, so the slot is free at once. */
  release(used: boolean): void;
  /** Milliseconds until a slot may be free; infinite while all are in use. */
  waitMs(): number;
}

/**
 * Never more than `perSecond` messages in any one second, as the mail server counts them.
 *
 * A message takes a slot when it begins. The slot is free again one second after the answer, or after we gave up waiting for one. The mail server saw
 * the message at some moment between the two. So of any two messages with the same slot, it saw the second at least a second after the first, however
 * unevenly the network carries them. Rejected: counting only the starts. Two bursts would fall into one second whenever connections delay the first
 * one.
 *
 * A new process begins with all slots in use, because it cannot know what its predecessor sent in its last second: a restart gets no fresh budget.
 * One limiter serves all mailings of a process, first come, first served.
 */
export class RateLimiter implements RateSlots {
  /** Moments of the monotonic clock at which slots are free, soonest first. A slot in use is not in the list. */
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

  /** Combines two limits: `take` takes a slot of each, or of none. */
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
