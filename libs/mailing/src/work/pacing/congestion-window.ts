/** Successes at one level before one more message is allowed in flight, as a multiple of that level. */
const SUCCESSES_PER_STEP = 10;

/**
 * How many messages may be in flight at a time, derived from the answers of the mail server.
 *
 * Additive increase, multiplicative decrease, with slow start, as TCP does it (RFC 5681 section 3.1). An answer that asks for less halves the level.
 * After an outage the level starts at one and doubles with each round until it is near the old level; then it grows slowly. Answers to messages that
 * were begun before the last decrease report the same congestion and do not count again.
 */
export class CongestionWindow {
  #level: number;
  #threshold: number;
  #successes = 0;
  #generation = 0;

  constructor(private readonly maxLevel: number) {
    this.#level = maxLevel;
    this.#threshold = maxLevel;
  }

  /** Messages that may be in flight. */
  get level(): number {
    return this.#level;
  }

  /** Read it when a message starts, and pass it to `throttled` with the answer to that message. */
  get generation(): number {
    return this.#generation;
  }

  succeeded(): void {
    if (this.#level >= this.maxLevel) return;
    const needed = this.#level < this.#threshold ? 1 : this.#level * SUCCESSES_PER_STEP;
    if (++this.#successes < needed) return;
    this.#successes = 0;
    this.#level++;
  }

  /** @returns false if the answer belongs to an earlier decrease; otherwise the level is lower now, or was at its lowest already. */
  throttled(generation: number): boolean {
    if (generation < this.#generation) return false;
    this.#threshold = Math.max(1, Math.floor(this.#level / 2));
    this.#startFrom(this.#threshold);
    return true;
  }

  /** The transport was unreachable: try one message first. */
  interrupted(): void {
    this.#threshold = Math.max(this.#threshold, this.#level);
    this.#startFrom(1);
  }

  #startFrom(level: number): void {
    this.#level = level;
    this.#successes = 0;
    this.#generation++;
  }
}
