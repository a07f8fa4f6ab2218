import type { MailingSettings } from '../../model/options/mailing-options.js';

/**
 * What this process may begin while it waits for the call that resumes (`resume: 'manual'`): mailings that it has accepted itself, and those
 * that it was asked to go on with one by one. Everything else is held, whichever server owns it.
 *
 * - Known in memory alone, so a process that starts anew holds everything again, also what the one before had accepted. Rejected: a mark in
 *   the rows. It would be copied with the database, and a copy is what this is made for.
 * - An id stays after its mailing has ended, about 100 bytes each until the call: forgetting it could meet a `retry` that opens it again, which
 *   would then be held.
 */
export class ResumeHold {
  #isWaiting: boolean;
  readonly #admitted = new Set<string>();

  constructor({ resume }: Pick<MailingSettings, 'resume'>) {
    this.#isWaiting = resume === 'manual';
  }

  /** Whether anything is held at all. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Those that may be begun while it waits. */
  get admitted(): string[] {
    return [...this.#admitted];
  }

  mayBegin(mailingId: string): boolean {
    return !this.#isWaiting || this.#admitted.has(mailingId);
  }

  /** This mailing may be begun. */
  admit(mailingId: string): void {
    if (this.#isWaiting) this.#admitted.add(mailingId);
  }

  /** Everything may be begun, for as long as the process lives. */
  lift(): void {
    this.#isWaiting = false;
    this.#admitted.clear();
  }
}
