import type { CommitAnswer } from '../../model/ports/ledger.js';

/** Longest wait without a poll: `retry` may have made recipients due again. */
export const MAX_WAIT_MS = 30_000;

/** When a run has to poll for more recipients, by the result of its last poll. */
export class PollSchedule {
  #isExhausted = false;
  #at = 0;

  /** No recipient is left on the list, as far as is known. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  /** A poll may find recipients now. */
  get isDue(): boolean {
    return !this.#isExhausted || performance.now() >= this.#at;
  }

  /** No recipient is left, neither on the list nor waiting for an attempt; one more poll completes the slice. */
  get isThrough(): boolean {
    return this.#isExhausted && this.#at === Number.POSITIVE_INFINITY;
  }

  get waitMs(): number {
    return Math.min(Math.max(Math.ceil(this.#at - performance.now()), 1), MAX_WAIT_MS);
  }

  /** Recipients were returned to the list. */
  handedBack(): void {
    this.#isExhausted = false;
  }

  /** A recipient is due in `delayMs`. */
  dueIn(delayMs: number): void {
    this.#at = Math.min(this.#at, performance.now() + delayMs);
  }

  found({ isExhausted, nextDueInMs }: Extract<CommitAnswer, { kind: 'continue' }>): void {
    this.#isExhausted = isExhausted;
    this.#at =
      nextDueInMs === null
        ? Number.POSITIVE_INFINITY
        : performance.now() + Math.min(nextDueInMs, MAX_WAIT_MS);
  }
}
