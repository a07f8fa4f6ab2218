import { join } from 'node:path';
import { ClaimJournal, type JournalWriter } from './claim.journal.js';
import { JournalFile } from './journal.file.js';
import { headerLine, type JournalOwner } from './journal.lines.js';

/** In bytes. A file of this size is replaced by its lines that still matter. It is small enough to be read before the first message. */
const FULL_AT = 1_048_576;

export const JOURNAL_ENDING = '.journal';

/** The journal file of an incarnation. */
export function journalPath(dir: string, incarnation: string): string {
  return join(dir, `${incarnation}${JOURNAL_ENDING}`);
}

/**
 * Records which messages this process has begun and what was answered, in a local file, for the process that is started after its death.
 *
 * The progress row says which recipients were marked. A dead process has begun few of them: the rest were marked ahead, or answered and not yet
 * committed. The database can't tell them apart, so without a journal all of them are in doubt. This file can, for less than one `write` per message:
 * what was written before the death of a *process* is in the kernel and survives it. It does not survive the machine, because nothing is synced; a
 * reader must know that the machine has not booted since.
 *
 * Why it can be believed, record by record:
 *
 * - *Begun* is written before the first byte that may make the mail server accept the message. If the line is missing, no mail server has the
 *   message. So a line that can't be written stops the message, unless the file can never be believed again.
 * - *Answered* is written after the answer, at the latest at the end of the same turn of the event loop. If it is missing, the recipient is in doubt,
 *   as without a journal. The line names the commit that will contain the answer. That commit may have been committed, and the recipient marked again
 *   since: `commit_seq` of the progress row tells.
 * - *Claim* ties the lines to a claim token. No token is used twice: a process that takes the slice over has another one.
 * - A claim without lines has begun no recipient. A file that is missing, damaged, or of another incarnation says nothing.
 *
 * Only its own process writes to the file. The file ends with its incarnation, at the moment at which that is no longer a member: from then on others
 * may read it, and nothing can be begun.
 */
export class MailingJournal implements JournalWriter {
  /** By claim token: claims that may still have marked recipients. */
  readonly #claims = new Map<string, ClaimJournal>();
  /** Null once the file was given up: every marked recipient is then in doubt after a crash. */
  #file: JournalFile | null = null;
  #pending = '';
  #isFlushing = false;
  #isBroken = false;
  #isClosed = false;
  #numClaims = 0;
  #fullAt = FULL_AT;

  /** @param onLost called once if the file can't be written any more. */
  constructor(
    dir: string,
    private readonly owner: JournalOwner,
    private readonly onLost: (error: unknown) => void,
  ) {
    try {
      this.#file = JournalFile.create(journalPath(dir, owner.incarnation), headerLine(owner));
    } catch (error) {
      onLost(error);
    }
  }

  /** @param commitSeq the last one in the progress row when the claim was obtained. */
  claim(claimToken: string, commitSeq: number): ClaimJournal {
    const claim = new ClaimJournal(this, ++this.#numClaims, claimToken, commitSeq);
    this.#claims.set(claimToken, claim);
    return claim;
  }

  /**
   * Ends a claim: nothing more begins under it.
   *
   * @param isReleased no recipient is marked under it. Otherwise the claim is kept: only a missing line shows that a marked recipient was not begun.
   */
  end(claimToken: string, isReleased: boolean): void {
    this.#claims.get(claimToken)?.end();
    if (isReleased) this.#claims.delete(claimToken);
  }

  flush(): void {
    if (this.#isClosed) throw new Error('The journal is closed: this process was declared dead, or it ends.');
    if (this.#isBroken) this.#giveUp();
    else this.#append();
  }

  write(line: string): void {
    if (!this.#file || this.#isBroken || this.#isClosed) return;
    this.#pending += line;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => this.#flushInTurn());
  }

  /** Nothing more can begin. The file is removed if every claim was released. */
  close(): void {
    this.#flushInTurn();
    this.#isClosed = true;
    for (const claim of this.#claims.values()) claim.end();
    const file = this.#file;
    this.#file = null;
    if (!file) return;
    if (this.#claims.size > 0) return file.close();
    try {
      file.discard();
    } catch {
      // The file may stay: it says nothing that is not true.
    }
  }

  #flushInTurn(): void {
    this.#isFlushing = false;
    if (this.#isBroken) return;
    try {
      this.#append();
    } catch {
      // Not thrown here: the next `flush` throws if the file may still be believed.
    }
  }

  /** @throws Error if the lines could not be written and the file may still be believed. */
  #append(): void {
    if (!this.#file || this.#pending === '') return;
    const lines = this.#pending;
    this.#pending = '';
    try {
      this.#file.append(lines);
    } catch (error) {
      // The file may end in half a line, and what follows could be misread.
      this.#isBroken = true;
      this.onLost(error);
      return this.#giveUp();
    }
    if (this.#file.size >= this.#fullAt) this.#replace(this.#file);
  }

  /** @throws Error if the file can neither be written nor discarded: no message may begin without a trace. */
  #giveUp(): void {
    this.#file?.discard();
    this.#file = null;
  }

  #replace(file: JournalFile): void {
    const lines = [...this.#claims.values()].map((claim) => claim.lines).join('');
    try {
      file.replace(headerLine(this.owner) + lines);
      this.#fullAt = FULL_AT + file.size;
    } catch {
      // The file goes on growing; the next attempt comes after another `FULL_AT` bytes.
      this.#fullAt = file.size + FULL_AT;
    }
  }
}
