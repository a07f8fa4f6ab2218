import type { Deferral, Outcome } from '../../model/states/outcome.js';

/** What a journal says about recipients that a dead run had in flight. */
export interface RecordedOutcomes {
  outcomes: Map<number, Outcome>;
  deferred: Map<number, Deferral>;
  /** Begun, and never answered: only these are in doubt. */
  begun: Set<number>;
}

/** What is known, in addition to the database, about recipients that were in flight. */
export interface KnownOutcomes {
  outcomeOf: (idx: number) => Outcome | undefined;
  deferralOf: (idx: number) => Deferral | undefined;
  /** The recipient may have been handed over, and its outcome is not known: in doubt. A recipient with none of the three was never handed over. */
  isBegun: (idx: number) => boolean;
}

export function knownOutcomesOf({ outcomes, deferred, begun }: RecordedOutcomes): KnownOutcomes {
  return {
    outcomeOf: (idx) => outcomes.get(idx),
    deferralOf: (idx) => deferred.get(idx),
    isBegun: (idx) => begun.has(idx),
  };
}
