import type { ErrorGuardOptions } from '../model/mailing-options.js';
import { PAUSE_REASONS } from '../model/mailing-status.js';
import type { Outcome } from '../model/outcome.js';

interface Reason {
  count: number;
  text: string;
}

/**
 * Watches the first recipients of a mailing: if nearly all of them fail in the same way, the fault is probably ours (a
 * blocked sender, a template that breaks), and the rest of the list had better be kept.
 *
 * It looks once. A mailing that somebody resumed after it was stopped has more recipients behind it than are looked at, so
 * it is not stopped again.
 */
export class ErrorGuard {
  readonly #sample: number;
  readonly #reasons = new Map<string, Reason>();
  #seen = 0;

  /** @param numTried recipients sent to, or refused, before this run. */
  constructor(
    private readonly options: Required<ErrorGuardOptions>,
    numTried: number,
  ) {
    this.#sample = Math.max(0, options.firstRecipients - numTried);
  }

  /**
   * Notes what became of one recipient; those who were skipped were not tried and do not count.
   *
   * @returns why the mailing should stop, or null.
   */
  note({ status, code, text }: Outcome): string | null {
    if (status === 'skipped' || this.#seen >= this.#sample) return null;
    this.#seen++;
    if (status !== 'sent') this.#count(code ?? status, text ?? '');
    return this.#seen < this.#sample ? null : this.#verdict();
  }

  #count(key: string, text: string): void {
    const reason = this.#reasons.get(key) ?? { count: 0, text };
    reason.count++;
    this.#reasons.set(key, reason);
  }

  #verdict(): string | null {
    const [worst] = [...this.#reasons].sort(([, a], [, b]) => b.count - a.count);
    if (!worst) return null;
    const [code, { count, text }] = worst;
    if (count * 100 <= this.#seen * this.options.maxErrorPercent) return null;
    return `${PAUSE_REASONS.errorRate}: ${count} of the first ${this.#seen} recipients failed with ${code}: ${text}`;
  }
}
