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

/** Where its lines go. */
export interface JournalWriter {
  /** Goes out at the end of this turn of the event loop, or before that with what must be written. */
  write(line: string): void;
  /** Writes what has not gone out yet. @throws Error if it could not be written and may still be believed. */
  flush(): void;
}

/**
 * What a run says of its recipients in the journal, under its claim.
 *
 * A line about a recipient that was begun holds until the commit that writes its outcome is committed; until then it is kept, to be
 * said again in a file that replaces a full one.
 */
export class ClaimJournal implements RunJournal {
  readonly #open = new Map<number, string>();
  readonly #confirm = (): void => this.writer.flush();
  /** What a file that is written anew leaves out. */
  #gap: JournalGap | null = null;
  #isDeclared = false;
  #isOver = false;
  /** The commit that is put together next: the answers from now on are written by it. */
  #commitSeq: number;

  /** @param commitSeq the last one that stood in the books when the claim was obtained. */
  constructor(
    private readonly writer: JournalWriter,
    private readonly number: number,
    private readonly claimToken: string,
    commitSeq: number,
  ) {
    this.#commitSeq = commitSeq + 1;
  }

  /** Everything that a reader has to know still. */
  get lines(): string {
    if (!this.#isDeclared) return '';
    return claimLine(this.number, this.claimToken, this.#gap) + [...this.#open.values()].join('');
  }

  /**
   * Says that the mail server may take the message for this recipient, once what it returns was called.
   *
   * Those that begin in one turn of the event loop cost one `write` together.
   *
   * @throws Error if it may not, because the run has lost its claim; what it returns, if it could not be written down.
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

  /** A commit was put together, with everything that was answered so far. */
  nextCommit(): void {
    this.#commitSeq++;
  }

  /** It is in the books. */
  committed({ outcomes, deferred, returned }: Commit): void {
    for (const { idx } of outcomes) this.#leaveOut(idx);
    for (const { idx } of deferred) this.#leaveOut(idx);
    for (const idx of returned) this.#open.delete(idx);
  }

  #leaveOut(idx: number): void {
    if (!this.#open.delete(idx)) return;
    this.#gap = { toCommit: this.#commitSeq - 1, toIdx: Math.max(idx, this.#gap?.toIdx ?? 0) };
  }

  /** Nothing may begin under this claim any more. */
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
