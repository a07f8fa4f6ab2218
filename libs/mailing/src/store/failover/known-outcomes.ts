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

/** What a run that is gone has left, beside its rows: a journal on disk, or its memory if this process lives on. */
export interface RunEvidence {
  /**
   * @param number of the last commit of the claim that the database shows.
   * @param nextIdx `next_idx` as the database shows it.
   * @returns null if this does not belong to what the database shows.
   */
  since(number: number, nextIdx: number): SliceEvidence | null;
}

/** What became of the recipients that were in flight, and of those of commits that the database has forgotten. */
export interface SliceEvidence {
  knownOutcomes: KnownOutcomes;
  /** One more than the highest idx that was begun. */
  endIdx: number;
  /** If the database rewound: recipients whose rows may show any state. */
  forgotten: number[];
  /** The evidence leaves out commits that the database has forgotten: deferred recipients may have been tried in them. */
  isLeftOut: boolean;
}

export function knownOutcomesOf({ outcomes, deferred, begun }: RecordedOutcomes): KnownOutcomes {
  return {
    outcomeOf: (idx) => outcomes.get(idx),
    deferralOf: (idx) => deferred.get(idx),
    isBegun: (idx) => begun.has(idx),
  };
}
