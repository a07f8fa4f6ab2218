import type { CommitAnswer } from '../../model/ports/ledger.js';

/** Longest wait without a poll: `retry` may have made recipients due again. */
export const MAX_WAIT_MS = 30_000;

/** When a run has to poll for more recipients, by the result of its last poll. */
export class PollSchedule {
  #exhausted = false;
  #at = 0;

  /** No recipient is left on the list, as far as is known. */
  get isExhausted(): boolean {
    return this.#exhausted;
  }

  /** A poll may find recipients now. */
  get isDue(): boolean {
    return !this.#exhausted || performance.now() >= this.#at;
  }

  /** No recipient is left, neither on the list nor waiting for an attempt; one more poll completes the slice. */
  get isThrough(): boolean {
    return this.#exhausted && this.#at === Number.POSITIVE_INFINITY;
  }

  get waitMs(): number {
    return Math.min(Math.max(Math.ceil(this.#at - performance.now()), 1), MAX_WAIT_MS);
  }

  /** Recipients were returned to the list. */
  handedBack(): void {
    this.#exhausted = false;
  }

  /** A recipient is due in `delayMs`. */
  dueIn(delayMs: number): void {
    this.#at = Math.min(this.#at, performance.now() + delayMs);
  }

  found({ exhausted, nextDueInMs }: Extract<CommitAnswer, { kind: 'continue' }>): void {
    this.#exhausted = exhausted;
    this.#at =
      nextDueInMs === null
        ? Number.POSITIVE_INFINITY
        : performance.now() + Math.min(nextDueInMs, MAX_WAIT_MS);
  }
}
