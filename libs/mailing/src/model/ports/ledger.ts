import type { GuardReport, GuardScores } from '../states/guard-scores.js';
import type { MailingStatus } from '../states/mailing-status.js';
import type { Deferral, Outcome } from '../states/outcome.js';
import type { MarkedRecipient } from '../mail/recipient.js';

/** What a run tells its ledger in one commit. */
export interface Commit {
  /** Outcomes gathered since the last commit. */
  outcomes: Outcome[];
  /** Recipients refused for now since the last commit. */
  deferred: Deferral[];
  /** Recipients to hand back untouched. */
  returned: number[];
  /** How many more recipients may be marked `sending`. */
  capacity: number;
  /** How many recipients stay `sending` after this commit's outcomes, deferrals and returns. */
  inFlight: number;
  /** Set when the run ends before the slice does: mark nothing, give the claim back once nothing remains. */
  release: Release | null;
  /** What the error guard makes of the attempts so far. Absent: as the progress row has it. */
  guard?: GuardReport;
  /** An order in the books stops the run. Absent: none does. */
  isDraining?: boolean;
}

/**
 * Why a run gives its claim back: an orderly stop, something that makes it pointless to go on, or, for a batch, that it only
 * waits for next attempts, which anybody may make.
 */
export type Release = { kind: 'stop' } | { kind: 'pause'; reason: string } | { kind: 'rest' };

/** What the ledger answers. */
export type CommitAnswer =
  /**
   * Go on: these are marked `sending` and committed. `exhausted`: nobody else is `pending`. An empty list with nothing
   * remaining only comes while recipients are deferred; `nextDueInMs` then tells when the first of them is due.
   * `upcoming`: some who come next, if all goes well; nothing is promised.
   * `elsewhere`: scores of the rest of the mailing, for a batch whose own are not 0.
   */
  | {
      kind: 'continue';
      marked: MarkedRecipient[];
      exhausted: boolean;
      nextDueInMs: number | null;
      upcoming?: readonly MarkedRecipient[];
      elsewhere?: GuardScores;
    }
  /** Somebody asked for a pause or the end: finish what is in flight, start nothing more. */
  | { kind: 'drain' }
  /**
   * The claim is given back. `status` is the state the slice was left in, `mailing` the one of its mailing: for a batch,
   * `pending` means that it is free again, and `mailing` is an end or a pause if this commit was what brought it about.
   */
  | { kind: 'ended'; status: MailingStatus; mailing: MailingStatus }
  /** Somebody else holds the claim. Nothing was written; write nothing more. */
  | { kind: 'fenced' }
  /**
   * The database has forgotten commits of this slice. Nothing was written: finish what is in flight, start nothing more, and tell `remember`
   * what became of it.
   */
  | { kind: 'rewound' };

/**
 * The books of one slice: who is next, and what became of whom. A run talks to it in commits and knows nothing else,
 * so persisted and unpersisted mailings are run by the same code.
 */
export interface Ledger {
  /** One atomic step: all of it is committed when the promise resolves, none of it when it rejects. */
  commit(commit: Commit): Promise<CommitAnswer>;
  /** After `rewound`: keeps what was not committed any more, for the commits to be restored with it. */
  remember?(commit: Commit): void;
  /** What of the host's is waited for, commit after commit, and since when by `performance.now()`. */
  readonly wait?: { what: string; since: number } | null;
}
