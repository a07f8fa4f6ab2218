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
  /** idx of each recipient to hand back untouched. */
  returned: number[];
  /** How many more recipients may be marked `sending`. */
  capacity: number;
  /** How many recipients stay `sending` after this commit's outcomes, deferrals and returns. */
  inFlight: number;
  /** Set when the run ends before the slice does: mark nothing, and release the claim once nothing is in flight. */
  release: Release | null;
  /** The error guard's report on the attempts so far. Absent: the scores in the progress row stay. */
  guard?: GuardReport;
  /** True: a pause or cancel in the progress row stops the run. Default: false. */
  isDraining?: boolean;
}

/** Results of a run that are in no commit that the run knows of. */
export interface UnrecordedResults extends Pick<Commit, 'outcomes' | 'deferred'> {
  /** Recipients whose message may have been handed over, and that have no result yet. */
  begun: Set<number>;
}

/**
 * Why a run releases its claim. `stop`: an orderly stop. `pause`: the run can't go on, for this reason. `yield`: a batch only waits for next
 * attempts, which any server may make.
 */
export type Release = { kind: 'stop' } | { kind: 'pause'; reason: string } | { kind: 'yield' };

/** What the ledger answers. */
export type CommitAnswer =
  /**
   * Go on: the intent to send to `marked` is committed. `isExhausted`: no other recipient is `pending`. Where `capacity` was above 0 and
   * nothing is in flight, `marked` is empty only while recipients are deferred; `nextDueInMs` then says when the first of them is due.
   * `upcoming`: recipients that probably come next; nothing is promised. `elsewhere`: scores of the rest of the mailing, for a batch whose
   * own scores are not 0.
   */
  | {
      kind: 'continue';
      marked: MarkedRecipient[];
      isExhausted: boolean;
      nextDueInMs: number | null;
      upcoming?: readonly MarkedRecipient[];
      elsewhere?: GuardScores;
    }
  /** A pause or cancel was requested, or the commit has `release` and messages are in flight: let them end, start nothing more. */
  | { kind: 'drain' }
  /**
   * The claim is released. `status` is the state in which the slice was left, `mailing` the state of its mailing. For a batch, `pending`
   * means that it is free again, and `mailing` is ended or paused if this commit brought that about.
   */
  | { kind: 'ended'; status: MailingStatus; mailing: MailingStatus }
  /** Another process holds the claim. Nothing was written; write nothing more. */
  | { kind: 'fenced' }
  /**
   * The database has lost commits of this slice. Nothing was written: let what is in flight end, start nothing more, and give its outcomes
   * to `remember`.
   */
  | { kind: 'rewound' };

/**
 * The progress of one slice: which recipients come next, and the outcomes so far. A run uses it only by commits, so persisted and
 * unpersisted mailings are run by the same code.
 */
export interface Ledger {
  /** One atomic step: all of it is committed when the promise resolves, none of it when it rejects. */
  commit(commit: Commit): Promise<CommitAnswer>;
  /** After `rewound`: keeps a commit that could not be written, to be written together with the lost commits. */
  remember?(commit: Commit): void;
  /** For a test, of a ledger that keeps times itself: its recipients are due that much sooner. */
  passTime?(ms: number): void;
  /** The source of the host that commits wait for, and since when by `performance.now()`; it may outlast several commits. */
  readonly wait?: { what: string; since: number } | null;
}
