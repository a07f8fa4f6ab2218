import type { RetryOptions } from '../../model/options/run-options.js';
import type { MarkedRecipient } from '../../model/mail/recipient.js';

/** Counts the earlier attempts of a run's open recipients. */
export class RetrySchedule {
  readonly #before = new Map<number, number>();

  constructor(private readonly options: Required<RetryOptions>) {}

  /** Takes the attempt counts that the ledger has for recipients that were tried before. */
  note(marked: MarkedRecipient[]): void {
    for (const { idx, attempts } of marked) if (attempts) this.#before.set(idx, attempts);
  }

  /** Whether the current attempt at this recipient is its first. */
  isFirst(idx: number): boolean {
    return !this.#before.has(idx);
  }

  /**
   * Exponential back-off with full jitter (Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).
   *
   * @returns the delay before the next attempt, or null if the last one was the final attempt.
   */
  nextDelayMs(idx: number): number | null {
    const { maxAttempts, initialDelayMs, maxDelayMs } = this.options;
    const attempts = (this.#before.get(idx) ?? 0) + 1;
    if (attempts >= maxAttempts) return null;
    return Math.ceil(Math.random() * Math.min(maxDelayMs, initialDelayMs * 2 ** (attempts - 1)));
  }

  forget(idx: number): void {
    this.#before.delete(idx);
  }
}
