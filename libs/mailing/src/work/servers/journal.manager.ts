import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { ClaimJournal } from '../../store/journal/claim.journal.js';
import type { JournalFolder } from '../../store/journal/journal.folder.js';
import type { HeldClaim } from '../../store/ledger/held-claim.js';
import type { JournalOwner } from '../../store/journal/journal.lines.js';
import { MailingJournal } from '../../store/journal/mailing.journal.js';
import { namesBoot } from './pid-namespace.js';

/** Owns the journal of this process, which begins and ends with the incarnation. */
export class JournalManager {
  #journal: MailingJournal | null = null;

  constructor(
    private readonly folder: JournalFolder,
    private readonly events: MailingEvents,
  ) {}

  /** @throws JournalFolderError if no file can be made in the folder that the option names. */
  prepare(): void {
    const nothing = this.folder.prepare();
    if (nothing) this.events.emit('journal:unavailable', { error: nothing.error });
    else if (this.folder.dir !== null) this.events.emit('journal:enabled', { dir: this.folder.dir });
  }

  open(owner: Omit<JournalOwner, 'pidNamespace'> & { pidNamespace: string | null }): void {
    const { dir } = this.folder;
    if (dir === null) return;
    const { pidNamespace } = owner;
    if (!namesBoot(pidNamespace)) {
      const error = new Error(
        'This system does not tell whether it is still the same boot, only Linux does.',
      );
      return this.events.emit('journal:disabled', { dir, error });
    }
    this.#journal = new MailingJournal(dir, { ...owner, pidNamespace }, (error) =>
      this.events.emit('journal:disabled', { dir, error }),
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
