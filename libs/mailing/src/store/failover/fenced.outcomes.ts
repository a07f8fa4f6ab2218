import type { UnrecordedResults } from '../../model/ports/ledger.js';
import { knownOutcomesOf, type RunEvidence, type SliceEvidence } from './known-outcomes.js';

/**
 * What a run of this process knew when it had lost its claim.
 *
 * Invariant: a recipient that was in flight under this claim and is not named was never handed over. Outcomes of earlier commits are in the database, and
 * a fenced run hands over nothing more.
 */
export class FencedOutcomes implements RunEvidence {
  readonly #evidence: SliceEvidence;

  /**
   * @param commitSeq the last commit that the run knows to be written.
   * @param results those of no commit up to it.
   */
  constructor(
    private readonly commitSeq: number,
    { outcomes, deferred, begun }: UnrecordedResults,
  ) {
    const knownOutcomes = knownOutcomesOf({
      outcomes: new Map(outcomes.map((one) => [one.idx, one])),
      deferred: new Map(deferred.map((one) => [one.idx, one])),
      begun,
    });
    this.#evidence = { knownOutcomes, endIdx: 0, forgotten: [], isLeftOut: false };
  }

  /**
   * The commit after the last one may have been written without an answer. With any other number, the database has forgotten commits of the run, and a
   * recipient that is not named may have been handed over in one of them.
   */
  since(number: number): SliceEvidence | null {
    return number === this.commitSeq || number === this.commitSeq + 1 ? this.#evidence : null;
  }
}
