import { accessSync, constants, mkdirSync } from 'node:fs';
import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import { JournalFolderError } from '../../model/options/setup.errors.js';
import type { ClaimJournal } from '../../store/journal/claim.journal.js';
import type { HeldClaim } from '../../store/ledger/held-claim.js';
import type { JournalOwner } from '../../store/journal/journal.lines.js';
import { MailingJournal } from '../../store/journal/mailing.journal.js';
import { namesBoot } from './pid-namespace.js';

/** Owns the journal of this process, which begins and ends with the incarnation. */
export class JournalManager {
  #journal: MailingJournal | null = null;

  constructor(
    private readonly settings: Pick<MailingSettings, 'journal'>,
    private readonly events: MailingEvents,
  ) {}

  /** @throws JournalFolderError if no file can be made in the folder. */
  prepare(): void {
    const { journal } = this.settings;
    if (!journal) return;
    try {
      mkdirSync(journal.dir, { recursive: true, mode: 0o700 });
      accessSync(journal.dir, constants.W_OK | constants.X_OK | constants.R_OK);
    } catch (error) {
      throw new JournalFolderError(journal.dir, error);
    }
  }

  open(owner: Omit<JournalOwner, 'pidNamespace'> & { pidNamespace: string | null }): void {
    const { journal } = this.settings;
    if (!journal) return;
    const { pidNamespace } = owner;
    if (!namesBoot(pidNamespace)) {
      const error = new Error(
        'This system does not tell whether it is still the same boot, only Linux does.',
      );
      return this.events.emit('journal:disabled', { dir: journal.dir, error });
    }
    this.#journal = new MailingJournal(journal.dir, { ...owner, pidNamespace }, (error) =>
      this.events.emit('journal:disabled', { dir: journal.dir, error }),
    );
  }

  /** From now on nothing that was claimed by this incarnation can begin, and other processes may read what it has begun. */
  close(): void {
    this.#journal?.close();
    this.#journal = null;
  }

  /** The work under a claim has ended. @param isReleased the database has recorded the release: no recipient is marked under the claim. */
  end(claimToken: string, isReleased: boolean): void {
    this.#journal?.end(claimToken, isReleased);
  }

  /** Null: there is no journal. */
  of({ claimToken, commitSeq }: HeldClaim): ClaimJournal | null {
    return this.#journal?.claim(claimToken, commitSeq) ?? null;
  }
}
