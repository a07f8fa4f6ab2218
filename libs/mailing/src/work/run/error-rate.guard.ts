import { type GuardReport, type GuardScores, NO_SCORES } from '../../model/states/guard-scores.js';
import type { ErrorGuardOptions } from '../../model/options/mailing-options.js';
import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import { NO_ANSWER, type Outcome, type RefusalSubject } from '../../model/states/outcome.js';
import { FailureTally } from './failure-tally.js';

/** Bad addresses stop a mailing only if there are more of them than an eighth of its list, in whatever order they come. */
const BAD_ADDRESSES_SHARE = 8;
/** And never sooner than this many times `sampleSize`. */
const BAD_ADDRESSES_SAMPLES = 10;
/** Failures of each other batch that say nothing: many batches with one bad address each are no bad sign. */
const FAILURES_AS_NOISE = 2;

/** Which mailing is watched, and how it stood when the run began. */
export interface WatchedSlice {
  /** As the progress row has them. */
  scores: GuardScores;
  /** Recipients of the whole mailing; null: not known. */
  numRecipients: number | null;
  isBatch: boolean;
}

/**
 * Stops a mailing whose attempts fail one after the other, because the fault is then probably the sender's (a blocked domain, a quota, a
 * template that breaks), and the rest of the list had better be kept.
 *
 * A cumulative sum (Page, "Continuous Inspection Schemes", Biometrika 41, 1954): with P = `maxErrorPercent`, each failure adds 100 − P,
 * each success takes P away, and the sum never falls below 0. So it rises only while more than P percent fail, `sampleSize`
 * failures in a row always reach `sampleSize` × (100 − P), and what went well long ago does not outweigh what fails now. A refusal
 * for now counts like a final one, because of a sender that is refused for now nothing else is ever seen; a further attempt that fails does not.
 *
 * There are two sums. *Suspect* counts failures that may be the sender's, and stops at that bound. *Failure* counts all of them, also those
 * whose answer names the recipient's own address or mailbox; it stops at 10 × `sampleSize` failures, or at an eighth of the list
 * if that is more: a list of which no more than an eighth is bad never stops for it, in whatever order. Greylisting and skipped recipients count in neither;
 * nor does what belongs to an outage that is known (`TransportMonitor`), which ends by itself.
 *
 * The sums are two numbers in the progress row and are written by each commit, so a restart does not forget them. A batch begins at 0,
 * adds what its commits hear of the rest of the mailing, and joins it when it ends. `resume` sets them to 0: the guard looks again.
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
   * What a commit has read of the rest of the mailing. It reads nothing while the scores here are 0; what was heard before is out of date
   * then, and is forgotten.
   */
  noteElsewhere(elsewhere: GuardScores | undefined): void {
    this.#elsewhere = elsewhere ?? NO_SCORES;
  }

  /**
   * Notes what became of the first attempt at a recipient, or of a further one that succeeded; skipped recipients were not tried and do
   * not count.
   *
   * @returns why the mailing should stop, or null.
   */
  note(outcome: Outcome): string | null {
    // The two that an outage costs each batch are noise; joined, they would stop the mailing once the mail server is back.
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
