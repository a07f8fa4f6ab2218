import type { Deferral, Outcome } from '../model/outcome.js';
import type { Entry } from './journal.lines.js';

/** What is known of those whom a dead run had marked. */
export interface KnownFates {
  outcomes: Map<number, Outcome>;
  deferred: Map<number, Deferral>;
  /** Begun, and never answered: the only doubt. */
  begun: Set<number>;
}

/** What a dead process had said of one claim. */
export class DeadJournal {
  constructor(private readonly entries: ReadonlyMap<number, Entry>) {}

  /**
   * What had not got into the books.
   *
   * @param beat the last one of the claim that was committed: what was answered before it is written, and whoever is marked
   *   since then was not begun yet unless the last line about him says so.
   */
  after(beat: number): KnownFates {
    const fates: KnownFates = { outcomes: new Map(), deferred: new Map(), begun: new Set() };
    for (const [idx, entry] of this.entries) {
      if (entry.kind === 'begun') fates.begun.add(idx);
      else if (entry.beat <= beat || entry.answer.kind === 'returned') continue;
      else if (entry.answer.kind === 'settled') fates.outcomes.set(idx, entry.answer.outcome);
      else fates.deferred.set(idx, entry.answer.deferral);
    }
    return fates;
  }
}
