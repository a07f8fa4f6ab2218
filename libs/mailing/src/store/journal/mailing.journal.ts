import { join } from 'node:path';
import { ClaimJournal, type JournalWriter } from './claim.journal.js';
import { JournalFile } from './journal.file.js';
import { headerLine, type JournalOwner } from './journal.lines.js';

/** A file of this size is replaced by what of it still matters: small enough to be read before the first message. */
const FULL_AT = 1_048_576;

export const JOURNAL_ENDING = '.journal';

/** The file of an incarnation. */
export function journalPath(dir: string, incarnation: string): string {
  return join(dir, `${incarnation}${JOURNAL_ENDING}`);
}

/**
 * What this process has begun and what it was answered, in a file beside it, for the one that is started after its death.
 *
 * The books say who was marked. Of those, a dead process has begun few: the rest were marked ahead, or answered and not yet
 * written down. The books can't tell them apart, so all of them are in doubt. This file can, for the price of less than a `write` a
 * message: what was written before the death of a *process* is in the hands of the kernel and survives it. It does not
 * survive the machine, because nothing is synced; whoever reads it must know that it is still the same boot.
 *
 * Why it can be believed, record by record:
 *
 * - *Begun* is written before the first byte that may make the mail server take the message. If the line is missing, nobody has
 *   the message. So a line that can't be written stops the message, unless nobody can ever believe the file again.
 * - *Answered* comes after the answer, at the latest at the end of the same turn of the event loop. If it is missing, the
 *   recipient is in doubt, as without a journal. It names the commit that will write it into the books. That commit may
 *   have been committed, and the recipient marked again since: the number in the books tells.
 * - *Claim* ties the lines to a claim token, which is drawn once and never again. Who took the slice over has drawn another.
 * - A claim without lines has begun nobody. A file that is missing, damaged, or another incarnation's says nothing.
 *
 * The file is only for its process to write. It ends with its incarnation, at the very moment when that is no member any more,
 * because from then on others may read it; nothing can be begun after that.
 */
export class MailingJournal implements JournalWriter {
  /** By claim token: those that may still have somebody marked. */
  readonly #claims = new Map<string, ClaimJournal>();
  /** Null once it was given up: everything marked is in doubt after a crash then. */
  #file: JournalFile | null = null;
  #pending = '';
  #isFlushing = false;
  #isBroken = false;
  #isClosed = false;
  #numClaims = 0;
  #fullAt = FULL_AT;

  /** @param onLost told once if it can't be written any more; never thrown at whoever begins a message. */
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

  /** @param commitSeq the last one that stood in the books when the claim was obtained. */
  claim(claimToken: string, commitSeq: number): ClaimJournal {
    const claim = new ClaimJournal(this, ++this.#numClaims, claimToken, commitSeq);
    this.#claims.set(claimToken, claim);
    return claim;
  }

  /**
   * Nothing more begins under a claim.
   *
   * @param isGivenBack nobody is marked under it. Otherwise it is needed still: of those who are marked and were not begun, only its
   *   silence tells.
   */
  end(claimToken: string, isGivenBack: boolean): void {
    this.#claims.get(claimToken)?.end();
    if (isGivenBack) this.#claims.delete(claimToken);
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

  /** Nothing more can begin. The file goes if every claim was given back. */
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
      // It says nothing that is not true.
    }
  }

  #flushInTurn(): void {
    this.#isFlushing = false;
    if (this.#isBroken) return;
    try {
      this.#append();
    } catch {
      // Whoever wants to begin hears of it.
    }
  }

  /** @throws Error if it could not be written and may still be believed. */
  #append(): void {
    if (!this.#file || this.#pending === '') return;
    const lines = this.#pending;
    this.#pending = '';
    try {
      this.#file.append(lines);
    } catch (error) {
      // Half a line may be in it: whatever follows could be read as something else.
      this.#isBroken = true;
      this.onLost(error);
      return this.#giveUp();
    }
    if (this.#file.size >= this.#fullAt) this.#replace(this.#file);
  }

  /** @throws Error if the file can neither be written nor taken away: nothing may begin without a trace. */
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
      // It goes on growing, and another attempt comes later.
      this.#fullAt = file.size + FULL_AT;
    }
  }
}
