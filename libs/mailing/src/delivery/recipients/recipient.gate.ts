import type { Skip } from './recipient.policy.js';

/** A recipient that may be mailed as far as is known. */
export interface Candidate {
  idx: number;
  /** `local@domain`, the domain in ASCII. */
  address: string;
  /** Set for profiles. */
  userId?: string;
}

/** Checks all recipients of a commit at once, just before their messages are made. */
export interface RecipientGate {
  /** Name of the check in a word or two. It is part of the pause reason if the check gets no answer. */
  readonly question: string;
  /**
   * @param upcoming addresses of the recipients that come next, as far as known, for gates that can save a query.
   * @returns the recipients that are skipped, and why, by `idx`.
   * @throws if the check can't be answered. Then the whole commit is retried later, and no recipient is skipped.
   */
  bar(candidates: Candidate[], upcoming?: () => string[]): Promise<Map<number, Skip>>;
}
