import type { Beat } from '../model/ledger.js';
import type { Deferral, Outcome } from '../model/outcome.js';
import { begunLine, claimLine, deferredLine, returnedLine, settledLine } from './journal.lines.js';

/** Where its lines go. */
export interface JournalWriter {
  /** @throws Error if it could not be written and may still be believed: what it announces may not happen. */
  writeNow(line: string): void;
  /** Goes out with the next line that must be written, or at the end of this turn of the event loop. */
  writeSoon(line: string): void;
}

/**
 * What a run says of its recipients in the journal, under its claim.
 *
 * A line about a recipient that was begun holds until the beat that writes its outcome is committed; until then it is kept, to be
 * said again in a file that replaces a full one.
 */
export class ClaimJournal {
  readonly #open = new Map<number, string>();
  #isDeclared = false;
  #isOver = false;
  /** The beat that is put together next: the answers from now on are written by it. */
  #beat: number;

  /** @param beat the last one that stood in the books when the claim was obtained. */
  constructor(
    private readonly writer: JournalWriter,
    private readonly number: number,
    private readonly claimToken: string,
    beat: number,
  ) {
    this.#beat = beat + 1;
  }

  /** Everything that a reader has to know still. */
  get lines(): string {
    if (!this.#isDeclared) return '';
    return claimLine(this.number, this.claimToken) + [...this.#open.values()].join('');
  }

  /**
   * Says that from now on the mail server may take the message for this recipient.
   *
   * @throws Error if it may not, because that could not be written down, or the run has lost its claim.
   */
  begin(idx: number): void {
    if (this.#isOver) throw new Error('Somebody else may be working on this mailing by now.');
    const line = begunLine(this.number, idx);
    this.#declare();
    // Before it is written, because that may be what fills the file.
    this.#open.set(idx, line);
    try {
      this.writer.writeNow(line);
    } catch (error) {
      this.#open.delete(idx);
      throw error;
    }
  }

  settle(outcome: Outcome): void {
    if (this.#open.has(outcome.idx)) this.#answer(outcome.idx, settledLine(this.number, this.#beat, outcome));
  }

  defer(deferral: Deferral): void {
    if (this.#open.has(deferral.idx))
      this.#answer(deferral.idx, deferredLine(this.number, this.#beat, deferral));
  }

  handBack(indexes: number[]): void {
    for (const idx of indexes)
      if (this.#open.has(idx)) this.#answer(idx, returnedLine(this.number, this.#beat, idx));
  }

  /** A beat was put together, with everything that was answered so far. */
  nextBeat(): void {
    this.#beat++;
  }

  /** It is in the books. */
  committed({ outcomes, deferred, returned }: Beat): void {
    for (const { idx } of outcomes) this.#open.delete(idx);
    for (const { idx } of deferred) this.#open.delete(idx);
    for (const idx of returned) this.#open.delete(idx);
  }

  /** Nothing may begin under this claim any more. */
  end(): void {
    this.#isOver = true;
  }

  #declare(): void {
    if (this.#isDeclared) return;
    this.#isDeclared = true;
    this.writer.writeSoon(claimLine(this.number, this.claimToken));
  }

  #answer(idx: number, line: string): void {
    this.#open.set(idx, line);
    this.writer.writeSoon(line);
  }
}
