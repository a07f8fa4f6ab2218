import type { Skip } from './recipient.policy.js';

/** Somebody who may be mailed as far as is known. */
export interface Candidate {
  idx: number;
  /** `local@domain`, the domain in ASCII. */
  address: string;
  /** Set for profiles. */
  userId?: string;
}

/** A question about all recipients of a commit at once, asked just before their messages are made. */
export interface RecipientGate {
  /** What is asked, as a word or two for the reason of a mailing that is paused because nobody answers. */
  readonly question: string;
  /**
   * @param upcoming addresses of people whose turn comes next as far as is known, for gates that can save a question.
   * @returns who is not mailed after all and why, by `idx`.
   * @throws whatever the question can't be answered for; the whole commit is tried again later, and nobody is skipped.
   */
  bar(candidates: Candidate[], upcoming?: () => string[]): Promise<Map<number, Skip>>;
}
