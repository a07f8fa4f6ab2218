import { DatabaseBehindError } from '../../model/errors/database-behind.error.js';
import { type GuardReport, NOTHING_SEEN } from '../../model/states/guard-scores.js';
import type { Commit, CommitAnswer, Ledger } from '../../model/ports/ledger.js';
import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { MarkedRecipient } from '../../model/mail/recipient.js';
import type { MailingDatabase, Session } from '../database/mailing.database.js';
import type { HeldClaim } from './held-claim.js';
import {
  afterCommit,
  asSending,
  expectedIntent,
  intentAt,
  type LedgerPosition,
  lowWaterIdxOf,
  positionOf,
} from './ledger-position.js';
import { joined, lookBeyond, type Prefetch, readOn } from './prefetch.js';
import { markNextRetries, nameOpen } from './mark-recipients.js';
import { countsOf, writeEnds } from './settle-recipients.js';
import { endBatch } from '../completion/end-batch.js';
import { completeMailing } from '../completion/complete-mailing.js';
import { releaseMailing } from '../completion/release-mailing.js';
import { fenceCommit } from './fence-commit.js';
import { readClaim } from './read-progress.js';
import { type Intent, moveIntent } from './move-intent.js';
import { nextDueInMs } from '../recipients/find-due.js';

/** One step of the ledger: its position afterwards, and the answer to the run. */
interface Step {
  position: LedgerPosition;
  answer: CommitAnswer;
}

/**
 * The ledger of one slice of a persisted mailing.
 *
 * A commit is one transaction: fence, outcomes, returns, the next intent. The database is the truth. This object holds only a position in it, which
 * moves after the commit, never before.
 *
 * The answer to a commit can get lost, with every database, and a client can't tell "not committed" from "committed, but not told". The commit number
 * closes this gap: each commit names the number that it believes to be the last. If a repetition finds the slice still under its own token, but one
 * commit further, the lost answer was a yes. What that commit marked is still known here (`#uncertain`).
 *
 * The intent is a watermark. Recipients are sent to in the order of the list, so `next_idx` in the progress row declares all of them in flight at
 * once. Each row is written once, with its outcome; marking each row as well would double that work.
 *
 * - Invariant: every `pending` row with idx < next_idx is in flight. So a row before `next_idx` may become `pending` only if the same transaction
 *   lowers `next_idx` to it, and a `pending` row that is read before `next_idx` is not begun again.
 * - Invariant: every recipient with idx < low_water_idx is settled, deferred or at a further attempt.
 * - Invariant: no recipient with idx >= high_water_idx was ever in flight.
 *
 * A message that takes long holds `low_water_idx` back, but not the other messages.
 *
 * Where `next_idx` can't tell, the row is `sending`:
 *
 * - A recipient that was refused for now no longer holds `low_water_idx` back. A row of `dps_mail_deferred` names it until it is settled, so other
 *   recipients overtake it and recovery still finds it. At its next attempt its row is set to `sending`.
 * - When a recipient is handed back, the same commit first sets implied in-flight rows to `sending`, then its row to `pending`, and lowers `next_idx`
 *   to it. `high_water_idx` stays, above the in-flight recipients that come after it.
 */
export class MailingLedger implements Ledger {
  #position: LedgerPosition;
  #uncertain: Step | null = null;
  /** Since when the database has shown a lower number than this ledger's, by `performance.now()`; null: it does not. */
  #behindSince: number | null = null;
  /** The read that prefetches rows beyond `ahead`, while it is running. It resolves to null if it fails. */
  #beyond: Promise<Prefetch | null> | null = null;

  constructor(
    private readonly database: MailingDatabase,
    private readonly claim: HeldClaim,
  ) {
    this.#position = positionOf(claim);
    database.commits.noteClaim(claim, claim.commitSeq, claim.inFlight !== null);
  }

  /** Number of the last commit that is known to be written. */
  get commitSeq(): number {
    return this.#position.commitSeq;
  }

  /** Recipients in flight after the last commit, and after the next one if it was written without an answer. */
  get inFlight(): number[] {
    return [...this.#position.open.keys(), ...(this.#uncertain?.position.open.keys() ?? [])];
  }

  async commit(commit: Commit): Promise<CommitAnswer> {
    await this.#joinBeyond();
    const { ahead } = this.#position;
    // An error is ignored here: the commit that needs the rows reads them itself, and fails then.
    const beyond =
      commit.returned.length > 0 ? null : lookBeyond(this.database, this.claim, commit.capacity, ahead);
    this.#beyond = beyond?.catch(() => null) ?? null;
    const { position, answer } = await this.database.transaction(async (session) => {
      const step = await this.#write(session, commit);
      // A fenced commit says nothing about the one before it.
      if (step.answer.kind !== 'fenced') this.#uncertain = step;
      return step;
    });
    if (answer.kind === 'fenced') return answer;
    const { open } = this.#position;
    this.#position = position;
    this.#uncertain = null;
    if (answer.kind === 'rewound') return answer;
    this.#behindSince = null;
    this.#note(commit, open, true);
    return answer;
  }

  remember(commit: Commit): void {
    const before = this.#position;
    this.#position = afterCommit(before, before.open, commit);
    this.#note(commit, before.open, false);
  }

  /** @param open recipients that were in flight before the commit. */
  #note(commit: Commit, open: LedgerPosition['open'], isCommitted: boolean): void {
    const { commitSeq: number, highWaterIdx } = this.#position;
    const { outcomes, deferred, returned } = commit;
    const retried: number[] = [];
    const noteRetry = (idx: number): void => {
      if (open.get(idx)?.isRetry) retried.push(idx);
    };
    for (const { idx } of outcomes) noteRetry(idx);
    for (const { idx } of deferred) noteRetry(idx);
    for (const idx of returned) noteRetry(idx);
    const at = performance.now();
    this.database.commits.note(this.claim, {
      number,
      isCommitted,
      at,
      outcomes,
      deferred,
      retried,
      highWaterIdx,
    });
  }

  /** Waits for the prefetch that is running: a recipient that is read twice would be marked twice. */
  async #joinBeyond(): Promise<void> {
    const beyond = await this.#beyond;
    this.#beyond = null;
    if (beyond) this.#position = { ...this.#position, ahead: joined(this.#position.ahead, beyond) };
  }

  async #write(session: Session, commit: Commit): Promise<Step> {
    const { claim } = this;
    const before = this.#position;
    const isHandingBack = commit.returned.some((idx) => before.open.get(idx)?.isRetry === false);
    const open = isHandingBack ? asSending(before.open) : before.open;
    const next = afterCommit(before, open, commit);
    const intent = expectedIntent(claim, next, commit);
    // A draining run reports scores of 0: if the pause is called off meanwhile, the error guard starts anew, and failures from before must not count.
    const guard = commit.isDraining ? NOTHING_SEEN : (commit.guard ?? unchanged(claim));
    const fenced = await fenceCommit(session, {
      slice: claim,
      claimToken: claim.claimToken,
      commitSeq: before.commitSeq,
      ...countsOf(commit.outcomes),
      lowWaterIdx: lowWaterIdxOf(next),
      intent,
      guardScores: guard.scores,
    });
    if (fenced === null) return this.#explainFence(session);
    const { status, elsewhere } = fenced;
    if (isHandingBack) await nameOpen(session, claim, before.open);
    await writeEnds(session, claim.mailingId, open, commit);
    if (status === 'in_progress' && !commit.release && commit.capacity > 0)
      return withScores(await this.#markNext(session, next, commit, intent), elsewhere);
    if (intent.nextIdx !== next.nextIdx) await moveIntent(session, claim, next);
    if (status === 'in_progress' && !commit.release)
      return withScores({ position: next, answer: QUIET }, elsewhere);
    if (commit.inFlight > 0) return { position: next, answer: { kind: 'drain' } };
    return { position: next, answer: await this.#end(session, status, commit) };
  }

  /** Nothing is in flight any more: releases the claim, or completes the slice if its last recipient is settled. */
  async #end(
    session: Session,
    from: MailingStatus,
    { release, guard, isDraining }: Commit,
  ): Promise<CommitAnswer> {
    const { mailingId, batch } = this.claim;
    if (batch) {
      const report = { ...(guard ?? unchanged(this.claim)), isDraining };
      const { isComplete, mailing } = await endBatch(session, { mailingId, batch }, release, report);
      return { kind: 'ended', status: isComplete ? 'completed' : 'pending', mailing };
    }
    const status = (await completeMailing(session, mailingId))
      ? 'completed'
      : await releaseMailing(session, mailingId, from, release);
    return { kind: 'ended', status, mailing: status };
  }

  async #explainFence(session: Session): Promise<Step> {
    const now = await readClaim(session, this.claim);
    const uncertain = this.#uncertain;
    // A commit that ends the claim sets the token to NULL. Any other token means that it was not committed, and another claim has recovered the
    // slice.
    const token = uncertain?.answer.kind === 'ended' ? null : this.claim.claimToken;
    const mine = now?.commitSeq === uncertain?.position.commitSeq && now?.claimToken === token;
    if (uncertain && mine) return uncertain;
    // A node that lags behind may not have the row yet.
    const seen = now?.commitSeq ?? null;
    if (seen === null || seen < this.#position.commitSeq) return this.#seenOlder(seen);
    // The fence would have found this row, so the node has caught up between the two statements.
    if (seen === this.#position.commitSeq && now?.claimToken === this.claim.claimToken)
      throw this.#behind('an older one, a moment before');
    return { position: this.#position, answer: { kind: 'fenced' } };
  }

  /**
   * Commit numbers only grow, so a lower one is an older state: the node lags behind, or the database was rewound. The fence was an update, so the
   * server accepts writes.
   *
   * @throws DatabaseBehindError until the older state has lasted for `lagTimeoutMs`.
   */
  #seenOlder(seen: number | null): Step {
    const error = this.#behind(seen === null ? 'no such mailing' : `commit ${seen}`);
    if (performance.now() - this.#behindSince! < this.database.commits.options.lagTimeoutMs) throw error;
    return { position: this.#position, answer: { kind: 'rewound' } };
  }

  #behind(seen: string): DatabaseBehindError {
    const isFirst = this.#behindSince === null;
    this.#behindSince ??= performance.now();
    const expected = `commit ${this.#position.commitSeq} of a mailing, or a later one`;
    return new DatabaseBehindError(expected, seen, isFirst);
  }

  /**
   * Fills the free capacity: first with recipients that are due for another attempt, then from the list.
   *
   * @param intent as `fenceCommit` has written it.
   */
  async #markNext(session: Session, next: LedgerPosition, commit: Commit, intent: Intent): Promise<Step> {
    const { claim } = this;
    const open = new Map(next.open);
    const marked: MarkedRecipient[] = [];
    let { lookForDueAt, nextIdx } = next;
    let dueInMs: number | null = null;
    const lookForDue = async (): Promise<void> => {
      const retries = await markNextRetries(session, claim, commit.capacity - marked.length);
      for (const one of retries) {
        marked.push(one);
        open.set(one.idx, { source: one.source, rowStatus: 'sending', isRetry: true });
      }
      dueInMs = await nextDueInMs(session, claim);
      lookForDueAt = dueInMs === null ? Number.POSITIVE_INFINITY : performance.now() + dueInMs;
    };
    const isTime = performance.now() >= lookForDueAt;
    if (isTime) await lookForDue();
    const capacity = commit.capacity - marked.length;
    const read = await readOn(session, claim, nextIdx, capacity, next.ahead);
    for (const one of read.rows.slice(0, capacity)) {
      // The database would not prevent a second copy to a recipient that was read twice.
      if (one.idx < nextIdx || open.has(one.idx)) throw new Error(`Bug: ${one.idx} is begun already.`);
      marked.push(one);
      open.set(one.idx, { source: one.source, rowStatus: 'pending', isRetry: false });
      nextIdx = one.idx + 1;
    }
    // The list is exhausted. A `retry` command may have deferred recipients that this run does not know of.
    if (marked.length < commit.capacity && !isTime) await lookForDue();
    const ahead = { ...read, rows: read.rows.slice(capacity) };
    const position = { ...next, ...intentAt(next, nextIdx), open, ahead, lookForDueAt };
    if (nextIdx !== intent.nextIdx) await moveIntent(session, claim, position);
    if (marked.length === 0 && commit.inFlight === 0 && dueInMs === null)
      return this.#complete(session, position, commit);
    const isExhausted = marked.length < commit.capacity;
    const answer: CommitAnswer = {
      kind: 'continue',
      marked,
      isExhausted,
      nextDueInMs: dueInMs,
      upcoming: ahead.rows,
    };
    return { position, answer };
  }

  async #complete(session: Session, position: LedgerPosition, commit: Commit): Promise<Step> {
    const answer = await this.#end(session, 'in_progress', commit);
    if (answer.kind !== 'ended' || answer.status !== 'completed') {
      const { mailingId } = this.claim;
      throw new Error(`Bug: the counters of mailing ${mailingId} do not add up to its recipients.`);
    }
    return { position, answer };
  }
}

/**
 * If this run has nothing to report: the scores that it found in the progress row count both as scores and as sums. A dead run may have left them.
 */
function unchanged({ guardScores }: HeldClaim): GuardReport {
  return { scores: guardScores, sums: guardScores };
}

function withScores({ position, answer }: Step, elsewhere: GuardReport['scores'] | undefined): Step {
  return { position, answer: answer.kind === 'continue' ? { ...answer, elsewhere } : answer };
}

const QUIET: CommitAnswer = { kind: 'continue', marked: [], isExhausted: false, nextDueInMs: null };
