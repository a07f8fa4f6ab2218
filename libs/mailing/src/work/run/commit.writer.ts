import { setTimeout as delay } from 'node:timers/promises';
import { publicReasonOf } from '../../model/values/public-text.js';
import type { Commit, CommitAnswer } from '../../model/ports/ledger.js';
import { BackOff } from '../pacing/back-off.js';
import { LEND_AFTER_MS } from './lend-worker-slot.js';
import type { MailingRunParts } from './mailing-run.parts.js';
import type { Wait } from '../pacing/wait.js';

/**
 * Writes commits. A commit that fails is written again as a whole.
 *
 * A commit that could not be written is kept, and comes first the next time, unchanged. If it was committed and only the answer was lost, the ledger
 * recognizes the repetition; with anything added, it could not.
 */
export class CommitWriter {
  #unwritten: Commit | null = null;
  #wait: Wait | null = null;
  #isLent = false;
  #failingSince: number | null = null;
  /** When a commit was written last, by `performance.now()`. */
  committedAt = performance.now();

  constructor(
    private readonly parts: Pick<
      MailingRunParts,
      'mailingId' | 'ledger' | 'options' | 'events' | 'workerSlot'
    >,
  ) {}

  /** Waits for the database, or, if the list is read while it is sent, for its source. */
  get wait(): Wait | null {
    return this.parts.ledger.wait ?? this.#wait;
  }

  /** A commit that could not be written, or that was refused because the claim is lost. */
  get unwritten(): Commit | null {
    return this.#unwritten;
  }

  /**
   * @param next builds the next commit; not called while an unwritten commit is kept.
   * @param stop aborts when there is no more time.
   * @param isFenced called before the write, and after each failure, because another server may have claimed the slice meanwhile.
   * @returns the commit with its answer, or null if writing has failed for too long.
   */
  async write(
    next: () => Commit,
    stop: AbortSignal,
    isFenced: () => boolean,
  ): Promise<{ commit: Commit | null; answer: CommitAnswer } | null> {
    if (isFenced()) return this.#over({ commit: null, answer: { kind: 'fenced' } });
    const commit = (this.#unwritten ??= next());
    const { mailingId, events, ledger, options } = this.parts;
    const giveUpAt = performance.now() + options.databaseRetryTimeoutMs;
    const backOff = new BackOff(50, 5_000);
    for (let attempt = 1; ; attempt++) {
      try {
        this.#wait ??= { what: 'the database', since: performance.now() };
        const answer = await ledger.commit(commit);
        if (answer.kind !== 'fenced') this.#unwritten = null;
        this.#wait = null;
        this.committedAt = performance.now();
        this.#tellEnd();
        return this.#over({ commit, answer });
      } catch (error) {
        const delayMs = backOff.fail();
        this.#failingSince ??= performance.now();
        this.#wait = { what: `the database: ${publicReasonOf(error)}`, since: this.#wait!.since };
        if (performance.now() + delayMs > giveUpAt || stop.aborted) {
          events.emit('run:stalled', { mailingId, error });
          return null;
        }
        events.emit('run:commit-retried', { mailingId, error, attempt, delayMs });
        await delay(delayMs, undefined, { signal: stop }).catch(() => undefined);
        if (isFenced()) return this.#over({ commit, answer: { kind: 'fenced' } });
      }
    }
  }

  #tellEnd(): void {
    if (this.#failingSince === null) return;
    const lastedMs = Math.round(performance.now() - this.#failingSince);
    this.#failingSince = null;
    const { events, mailingId } = this.parts;
    events.emit('outage:ended', { mailingId, what: 'database', lastedMs });
  }

  /** Lends the worker slot to other mailings while the source of an unpersisted mailing yields nothing. */
  #over<T extends { answer: CommitAnswer }>(written: T): T {
    const { ledger, workerSlot } = this.parts;
    const { kind } = written.answer;
    const isSilent = performance.now() - (ledger.wait?.since ?? Infinity) > LEND_AFTER_MS;
    const lends = isSilent && kind !== 'ended' && kind !== 'fenced';
    if (lends !== this.#isLent) workerSlot[lends ? 'lend' : 'retake']();
    this.#isLent = lends;
    return written;
  }
}
