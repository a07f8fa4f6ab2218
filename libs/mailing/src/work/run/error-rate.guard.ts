import { type GuardReport, type GuardScores, NO_SCORES } from '../../model/states/guard-scores.js';
import type { ErrorGuardOptions } from '../../model/options/run-options.js';
import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import { NO_ANSWER, type Outcome, type RefusalSubject } from '../../model/states/outcome.js';
import { FailureTally } from './failure-tally.js';

/** Bad addresses stop a mailing only if they are more than an eighth of its list, in whatever order they come. */
const BAD_ADDRESSES_SHARE = 8;
/** Nor do they stop it before this many times `sampleSize`. */
const BAD_ADDRESSES_SAMPLES = 10;
/** Failures of each batch that the other batches do not count: many batches with one bad address each are no bad sign. */
const FAILURES_AS_NOISE = 2;

/** The watched slice, and its state when the run began. */
export interface WatchedSlice {
  /** As they are in the progress row. */
  scores: GuardScores;
  /** Recipients of the whole mailing; null: not known. */
  numRecipients: number | null;
  isBatch: boolean;
}

/**
 * Stops a mailing whose attempts fail one after the other. The fault is then probably the sender's (a blocked domain, a quota, a template that
 * breaks), and the rest of the list should be kept.
 *
 * A cumulative sum (Page, "Continuous Inspection Schemes", Biometrika 41, 1954): with P = `maxErrorPercent`, each failure adds 100 − P, each success
 * subtracts P, and the sum never falls below 0. So it rises only while more than P percent fail, `sampleSize` failures in a row always reach
 * `sampleSize` × (100 − P), and old successes do not outweigh new failures. A temporary refusal counts like a final one, because a sender that is
 * refused temporarily never sees another kind. A further attempt that fails does not count.
 *
 * There are two sums. *Suspect* counts failures that may be the sender's, and stops at that bound. *Failure* counts all failures, including those
 * whose answer names the recipient's own address or mailbox. It stops at 10 × `sampleSize` failures, or at more than an eighth of the list if that is
 * more: a list of which at most an eighth is bad never stops for it, in whatever order. Neither sum counts greylisting, skipped recipients, or
 * failures of a known outage (`TransportMonitor`), which ends by itself.
 *
 * The sums are two numbers in the progress row and are written by each commit, so a restart does not lose them. A batch begins at 0, adds the scores
 * of the rest of the mailing that its commits read, and adds its own to them when it ends. `resume` sets them to 0: the guard starts again.
 */
export class ErrorRateGuard {
  readonly #failed: number;
  readonly #bounds: GuardScores;
  readonly #noise: number;
  readonly #scores: GuardScores;
  readonly #sums: GuardScores = { suspect: 0, failure: 0 };
  #elsewhere: GuardScores = NO_SCORES;
  #tally = new FailureTally();

  constructor(
    private readonly options: Required<ErrorGuardOptions>,
    { scores, numRecipients, isBatch }: WatchedSlice = {
      scores: NO_SCORES,
      numRecipients: null,
      isBatch: false,
    },
  ) {
    const { sampleSize, maxErrorPercent } = options;
    const badAddresses = Math.ceil((numRecipients ?? 0) / BAD_ADDRESSES_SHARE);
    this.#failed = 100 - maxErrorPercent;
    this.#bounds = {
      suspect: sampleSize * this.#failed,
      failure: Math.max(BAD_ADDRESSES_SAMPLES * sampleSize, badAddresses + 1) * this.#failed,
    };
    this.#noise = isBatch ? FAILURES_AS_NOISE * this.#failed : 0;
    this.#scores = { ...scores };
  }

  /** For the progress row. */
  get report(): GuardReport {
    const { suspect, failure } = this.#scores;
    const shown = (score: number): number => Math.max(0, score - this.#noise);
    return { scores: { suspect: shown(suspect), failure: shown(failure) }, sums: { ...this.#sums } };
  }

  /**
   * Takes the scores of the rest of the mailing that a commit has read. A commit reads none while the scores here are 0; the earlier ones are out of
   * date then, and are dropped.
   */
  noteElsewhere(elsewhere: GuardScores | undefined): void {
    this.#elsewhere = elsewhere ?? NO_SCORES;
  }

  /**
   * Notes the outcome of a recipient's first attempt, or of a further one that succeeded. Skipped recipients were not tried and do not count.
   *
   * @returns why the mailing should stop, or null.
   */
  note(outcome: Outcome): string | null {
    // An outage costs each batch two attempts before it is known. Summed over all batches they would stop the mailing once the mail server is back.
    if (outcome.status === 'skipped' || (this.#noise > 0 && outcome.code === NO_ANSWER)) return null;
    if (outcome.status !== 'sent') return this.#fail(outcome);
    this.#add('suspect', -this.options.maxErrorPercent);
    this.#add('failure', -this.options.maxErrorPercent);
    this.#tally.succeeded();
    return null;
  }

  #fail({ status, code, text, subject }: Outcome): string | null {
    if (this.options.sampleSize === 0 || subject === 'greylisted') return null;
    if (this.#scores.failure === 0) this.#tally = new FailureTally();
    this.#tally.failed(code ?? status, text ?? '');
    this.#add('failure', this.#failed);
    if (subject !== 'recipient') this.#add('suspect', this.#failed);
    return this.#isOver(subject) ? `${PAUSE_REASONS.errorRate}: ${this.#tally.verdict()}` : null;
  }

  #isOver(subject: RefusalSubject | undefined): boolean {
    const isOver = (which: keyof GuardScores): boolean =>
      this.#scores[which] + this.#elsewhere[which] >= this.#bounds[which];
    return isOver('failure') || (subject !== 'recipient' && isOver('suspect'));
  }

  #add(which: keyof GuardScores, points: number): void {
    this.#scores[which] = Math.max(0, this.#scores[which] + points);
    this.#sums[which] += points;
  }
}
