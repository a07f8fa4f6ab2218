import type { MailingSettings } from '../../model/options/mailing-options.js';

/**
 * Knows which mailings this process may begin while it waits for `resume()` (`resume: 'manual'`): those that it accepted itself, and those that a
 * command named one by one. Everything else is held, whichever server owns it.
 *
 * - Kept in memory alone. So a process that starts anew holds everything again, including mailings that its predecessor had accepted. Rejected: a
 * mark in the rows. It would be copied with the database, and the option exists for copies.
 * - An id stays after its mailing has ended, about 100 bytes each until `resume()`. Without it, a `retry` that reopens the mailing might find it
 * held.
 */
export class ResumeHold {
  #isWaiting: boolean;
  readonly #admitted = new Set<string>();

  constructor({ resume }: Pick<MailingSettings, 'resume'>) {
    this.#isWaiting = resume === 'manual';
  }

  /** Whether mailings are held at all. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Mailings that may begin while the others are held. */
  get admitted(): string[] {
    return [...this.#admitted];
  }

  mayBegin(mailingId: string): boolean {
    return !this.#isWaiting || this.#admitted.has(mailingId);
  }

  /** Allows this mailing to begin. */
  admit(mailingId: string): void {
    if (this.#isWaiting) this.#admitted.add(mailingId);
  }

  /** Allows every mailing to begin, for as long as the process lives. */
  lift(): void {
    this.#isWaiting = false;
    this.#admitted.clear();
  }
}
