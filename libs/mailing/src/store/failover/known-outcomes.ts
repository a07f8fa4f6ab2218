import type { Deferral, Outcome } from '../../model/states/outcome.js';

/** What a journal says of recipients that a dead run had in flight. */
export interface RecordedOutcomes {
  outcomes: Map<number, Outcome>;
  deferred: Map<number, Deferral>;
  /** Begun, and never answered: the only doubt. */
  begun: Set<number>;
}

/** What is known, beside the database, of recipients that were in flight. */
export interface KnownOutcomes {
  outcomeOf: (idx: number) => Outcome | undefined;
  deferralOf: (idx: number) => Deferral | undefined;
  /** It may have been handed over, and what became of it is not known: in doubt. A recipient with none of the three was never handed over. */
  isBegun: (idx: number) => boolean;
}

export function knownOutcomesOf({ outcomes, deferred, begun }: RecordedOutcomes): KnownOutcomes {
  return {
    outcomeOf: (idx) => outcomes.get(idx),
    deferralOf: (idx) => deferred.get(idx),
    isBegun: (idx) => begun.has(idx),
  };
}
