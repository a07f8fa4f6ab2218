import {
  knownOutcomesOf,
  type RecordedOutcomes,
  type RunEvidence,
  type SliceEvidence,
} from '../failover/known-outcomes.js';
import type { Entry, JournalGap } from './journal.lines.js';

/** The journal lines of a dead process about one claim. */
export class DeadJournal implements RunEvidence {
  /** @param gap what the file leaves out; null: nothing. */
  constructor(
    private readonly entries: ReadonlyMap<number, Entry>,
    private readonly gap: JournalGap | null = null,
  ) {}

  /**
   * The database has rewound if the journal knows, or leaves out, a commit later than those that may have been in flight, or if it knows a recipient
   * that was begun but that is not in flight by the progress row.
   */
  since(number: number, nextIdx: number): SliceEvidence {
    const known = this.after(number);
    const indexes = [...known.outcomes.keys(), ...known.deferred.keys(), ...known.begun];
    const isLeftOut = this.gap !== null && this.gap.toCommit > number;
    const toIdx = isLeftOut ? (this.gap as JournalGap).toIdx : -1;
    const endIdx = indexes.reduce((end, idx) => Math.max(end, idx + 1), toIdx + 1);
    const isBeyond = [...this.entries.values()].some(
      (one) => one.kind === 'answered' && one.commitSeq > number + 1,
    );
    const { isBegun, ...knownOutcomes } = knownOutcomesOf(known);
    return {
      knownOutcomes: {
        ...knownOutcomes,
        isBegun: (idx) => isBegun(idx) || (idx <= toIdx && !this.entries.has(idx)),
      },
      endIdx,
      isLeftOut,
      forgotten: isLeftOut || isBeyond || endIdx > nextIdx ? indexes : [],
    };
  }

  /**
   * Returns what was not committed.
   *
   * @param commitSeq the last committed one of the claim: answers up to it are in the database. A recipient that was marked since then was not begun
   *   unless its last line says so.
   */
  after(commitSeq: number): RecordedOutcomes {
    const knownOutcomes: RecordedOutcomes = { outcomes: new Map(), deferred: new Map(), begun: new Set() };
    for (const [idx, entry] of this.entries) {
      if (entry.kind === 'begun') knownOutcomes.begun.add(idx);
      else if (entry.commitSeq <= commitSeq || entry.answer.kind === 'returned') continue;
      else if (entry.answer.kind === 'settled') knownOutcomes.outcomes.set(idx, entry.answer.outcome);
      else knownOutcomes.deferred.set(idx, entry.answer.deferral);
    }
    return knownOutcomes;
  }
}
