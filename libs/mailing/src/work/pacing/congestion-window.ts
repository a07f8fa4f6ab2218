/** Successes at one level before one more message is allowed in flight, as a multiple of that level. */
const SUCCESSES_PER_STEP = 10;

/**
 * How many messages may be in flight at a time, found out from the answers of the mail server.
 *
 * Additive increase, multiplicative decrease, with slow start, as TCP does it (RFC 5681 section 3.1): an answer that asks
 * for less halves the level; after an outage it starts from one and doubles with each round until it is near the old level,
 * then creeps up. Answers to messages that were begun before the last decrease report the same congestion and do not count
 * again.
 */
export class CongestionWindow {
  #level: number;
  #threshold: number;
  #successes = 0;
  #generation = 0;

  constructor(private readonly highest: number) {
    this.#level = highest;
    this.#threshold = highest;
  }

  /** Messages that may be in flight. */
  get level(): number {
    return this.#level;
  }

  /** Ask at the start of a message and give it back with its answer. */
  get generation(): number {
    return this.#generation;
  }

  succeeded(): void {
    if (this.#level >= this.highest) return;
    const needed = this.#level < this.#threshold ? 1 : this.#level * SUCCESSES_PER_STEP;
    if (++this.#successes < needed) return;
    this.#successes = 0;
    this.#level++;
  }

  /** @returns false if this answer is no news; otherwise the level is lower now, or was at its lowest already. */
  throttled(generation: number): boolean {
    if (generation < this.#generation) return false;
    this.#threshold = Math.max(1, Math.floor(this.#level / 2));
    this.#startFrom(this.#threshold);
    return true;
  }

  /** The transport was out of reach: try one message first. */
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
