/**
 * State of the error guard for one slice: two scores that failures raise and successes lower, never below 0. `ErrorRateGuard` says by how
 * much, and what they mean.
 */
export interface GuardScores {
  /** Of failures that may be the sender's fault. */
  suspect: number;
  /** Of all failures. */
  failure: number;
}

/** What a commit reports of the attempts of its slice. */
export interface GuardReport {
  /** The current scores. */
  scores: GuardScores;
  /**
   * Sums of all that raised and lowered them under this claim, without the bound at 0. They join the attempts of this claim to the scores
   * from before it.
   */
  sums: GuardScores;
}

export const NO_SCORES: Readonly<GuardScores> = { suspect: 0, failure: 0 };

/** For a run that a user's command has stopped: the mailing ends, or it is resumed, and then the guard begins anew. */
export const NOTHING_SEEN: Readonly<GuardReport> = { scores: NO_SCORES, sums: NO_SCORES };
