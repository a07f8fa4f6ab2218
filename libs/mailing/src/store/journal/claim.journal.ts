import type { Commit } from '../../model/ports/ledger.js';
import type { RunJournal } from '../../model/ports/run-journal.js';
import type { Deferral, Outcome } from '../../model/states/outcome.js';
import {
  begunLine,
  claimLine,
  deferredLine,
  type JournalGap,
  returnedLine,
  settledLine,
} from './journal.lines.js';

/** Where the lines of a claim are written. */
export interface JournalWriter {
  /** Writes the line at the end of this turn of the event loop, or earlier together with a line that must be written at once. */
  write(line: string): void;
  /** Writes all lines that are not written yet. @throws Error if they could not be written and the file may still be believed. */
  flush(): void;
}

/**
 * The journal lines of a run about its recipients, under its claim.
 *
 * A line about a recipient that was begun is valid until the commit with its outcome is committed. Until then it is kept in memory, to be repeated in
 * a file that replaces a full one.
 */
export class ClaimJournal implements RunJournal {
  readonly #open = new Map<number, string>();
  readonly #confirm = (): void => this.writer.flush();
  /** What a file that replaces a full one leaves out. */
  #gap: JournalGap | null = null;
  #isDeclared = false;
  #isOver = false;
  /** Number of the next commit, which will contain the answers from now on. */
  #commitSeq: number;

  /** @param commitSeq the last one in the progress row when the claim was obtained. */
  constructor(
    private readonly writer: JournalWriter,
    private readonly number: number,
    private readonly claimToken: string,
    commitSeq: number,
  ) {
    this.#commitSeq = commitSeq + 1;
  }

  /** All lines that a reader still needs. */
  get lines(): string {
    if (!this.#isDeclared) return '';
    return claimLine(this.number, this.claimToken, this.#gap) + [...this.#open.values()].join('');
  }

  /**
   * Records that the mail server may get the message for this recipient, once the returned function was called.
   *
   * Recipients that begin in one turn of the event loop cost one `write` together.
   *
   * @throws Error if the run has lost its claim. The returned function throws if the line could not be written and the file may still be believed, or
   *   if the journal is closed.
   */
  begin(idx: number): () => void {
    if (this.#isOver) throw new Error('Another process may work on this mailing by now.');
    const line = begunLine(this.number, idx);
    this.#declare();
    this.#open.set(idx, line);
    this.writer.write(line);
    return this.#confirm;
  }

  settle(outcome: Outcome): void {
    if (this.#open.has(outcome.idx))
      this.#answer(outcome.idx, settledLine(this.number, this.#commitSeq, outcome));
  }

  defer(deferral: Deferral): void {
    if (this.#open.has(deferral.idx))
      this.#answer(deferral.idx, deferredLine(this.number, this.#commitSeq, deferral));
  }

  handBack(indexes: number[]): void {
    for (const idx of indexes)
      if (this.#open.has(idx)) this.#answer(idx, returnedLine(this.number, this.#commitSeq, idx));
  }

  /** Call it when a commit was built from all answers so far. */
  nextCommit(): void {
    this.#commitSeq++;
  }

  /** The commit is in the database. */
  committed({ outcomes, deferred, returned }: Commit): void {
    for (const { idx } of outcomes) this.#leaveOut(idx);
    for (const { idx } of deferred) this.#leaveOut(idx);
    for (const idx of returned) this.#open.delete(idx);
  }

  #leaveOut(idx: number): void {
    if (!this.#open.delete(idx)) return;
    this.#gap = { toCommit: this.#commitSeq - 1, toIdx: Math.max(idx, this.#gap?.toIdx ?? 0) };
  }

  /** From now on nothing may begin under this claim. */
  end(): void {
    this.#isOver = true;
  }

  #declare(): void {
    if (this.#isDeclared) return;
    this.#isDeclared = true;
    this.writer.write(claimLine(this.number, this.claimToken));
  }

  #answer(idx: number, line: string): void {
    this.#open.set(idx, line);
    this.writer.write(line);
  }
}
