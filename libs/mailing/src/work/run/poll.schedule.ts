import type { CommitAnswer } from '../../model/ports/ledger.js';

/** Longest wait without a look at the books: somebody may have made recipients due again (`retry`). */
export const MAX_WAIT_MS = 30_000;

/** When a run has to look into the books for more recipients, by what the last look has found. */
export class PollSchedule {
  #exhausted = false;
  #at = 0;

  /** Nobody is left on the list, as far as is known. */
  get isExhausted(): boolean {
    return this.#exhausted;
  }

  /** Somebody may be found now. */
  get isDue(): boolean {
    return !this.#exhausted || performance.now() >= this.#at;
  }

  /** Nobody is left, neither on the list nor among those who wait; one more look is what completes the slice. */
  get isThrough(): boolean {
    return this.#exhausted && this.#at === Number.POSITIVE_INFINITY;
  }

  get waitMs(): number {
    return Math.min(Math.max(Math.ceil(this.#at - performance.now()), 1), MAX_WAIT_MS);
  }

  /** Somebody goes back to the list. */
  handedBack(): void {
    this.#exhausted = false;
  }

  /** Somebody is due in so many milliseconds. */
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
