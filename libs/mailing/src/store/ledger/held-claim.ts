import type { GuardScores } from '../../model/states/guard-scores.js';
import type { BatchSlice, Slice } from '../../model/states/slice.js';

/** The right to work on a slice, and what its progress row showed when it was obtained. */
export interface HeldClaim extends Slice {
  claimToken: string;
  /** The database server through which it was claimed, as that server calls itself. */
  server: string;
  commitSeq: number;
  lowWaterIdx: number;
  /** Invariant: every `pending` row with a lower idx is in flight. */
  nextIdx: number;
  /** No recipient from this idx on was ever in flight. */
  highWaterIdx: number;
  numSettled: number;
  numProfiles: number;
  /** Scores of the error guard. */
  guardScores: GuardScores;
  /** Recipients that a dead run left in flight; null if there was no dead run. */
  inFlight: InFlightRecipients | null;
}

/** The right to work on a batch. */
export type HeldBatch = HeldClaim & BatchSlice;

/** Recipients that were in flight in a run that is gone. */
export interface InFlightRecipients {
  /** Recipients of unknown outcome: in doubt, or sent again. */
  numInFlight: number;
  /** Recipients whose outcome was known, but not counted in the progress row. */
  numKnown: number;
  /** Idx of recipients that were at a further attempt. */
  retries: number[];
  /** Ids of profiles that were sent to, but were not counted in the progress row. */
  mailed: string[];
}
