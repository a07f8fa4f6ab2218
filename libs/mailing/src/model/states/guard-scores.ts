/**
 * What the error guard remembers of the attempts of one slice: two scores that failures raise and successes lower, never
 * below 0. `ErrorRateGuard` says by how much, and what they mean.
 */
export interface GuardScores {
  /** Of failures that may be the sender's fault. */
  suspect: number;
  /** Of all failures. */
  failure: number;
}

/** What a commit tells of the attempts of its slice. */
export interface GuardReport {
  /** As they stand now. */
  scores: GuardScores;
  /** All that raised and lowered them under this claim, without the bound at 0: what joins them to scores of before. */
  sums: GuardScores;
}

export const NO_SCORES: Readonly<GuardScores> = { suspect: 0, failure: 0 };

/** Of a run that a person's order has stopped: the mailing ends, or it is resumed, which has the guard begin anew. */
export const NOTHING_SEEN: Readonly<GuardReport> = { scores: NO_SCORES, sums: NO_SCORES };
