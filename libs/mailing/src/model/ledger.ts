import type { MailingStatus } from './mailing-status.js';
import type { Outcome } from './outcome.js';
import type { MarkedRecipient } from './recipient.js';

/** What a run tells its ledger in one beat. */
export interface Beat {
  /** Outcomes gathered since the last beat. */
  outcomes: Outcome[];
  /** Recipients to hand back untouched. */
  returned: number[];
  /** How many more recipients may be marked `sending`. */
  free: number;
  /** How many recipients stay `sending` after this beat's outcomes and returns. */
  remaining: number;
  /** True for the last beat of an orderly stop: mark nothing, give the claim back once nothing remains. */
  release: boolean;
}

/** What the ledger answers. */
export type BeatAnswer =
  /** Go on: these are marked `sending` and committed. An empty list with nothing remaining never comes. */
  | { kind: 'go_on'; marked: MarkedRecipient[]; exhausted: boolean }
  /** Somebody asked for a pause or the end: finish what is in flight, start nothing more. */
  | { kind: 'stand_down' }
  /** The slice is through: this is the state it was left in. */
  | { kind: 'ended'; status: MailingStatus }
  /** Somebody else holds the claim. Nothing was written; write nothing more. */
  | { kind: 'lost' };

/**
 * The books of one slice: who is next, and what became of whom. A run talks to it in beats and knows nothing else,
 * so persisted and unpersisted mailings are run by the same code.
 */
export interface Ledger {
  /** One atomic step: all of it is committed when the promise resolves, none of it when it rejects. */
  beat(beat: Beat): Promise<BeatAnswer>;
}
