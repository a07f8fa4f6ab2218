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
import { completeMailing, releaseMailing } from '../completion/end-slice.js';
import { fenceCommit, readClaim } from './fence-commit.js';
import { type Intent, moveIntent } from './intent.js';
import { nextDueInMs } from './begin-retries.js';

/** One step of the books: where they stand after it, and what the run is told. */
interface Step {
  position: LedgerPosition;
  answer: CommitAnswer;
}

/**
 * The books of one slice of a persisted mailing.
 *
 * A commit is one transaction: fence, outcomes, returns, the next intent. The database is the truth and this object only a
 * position into it, moved after the commit, never before. That leaves one hole, which every client of every database
 * has: the answer to a commit can get lost, and nobody can tell "not committed" from "committed and not told". The commit
 * number closes it. Each commit names the number it believes to be the last; if a repetition finds the slice still under
 * its own token, but one commit further, then the lost answer was a yes, and what that commit marked is still known here.
 *
 * The intent is a number. People are sent to in the order of the list, so `next_idx` in the row with the books says of all of them at once
 * that they are under way: whoever is `pending` before it. Their rows are written once, with what became of them, where
 * a mark in each of them would be as much work again as that. So nobody may become `pending` before it who is not to be taken for one under
 * way, and nobody may be sent to who is read before it. Two more numbers frame the part of the list that is not over: everybody
 * before `low_water_idx` is settled or deferred, nobody from `high_water_idx` on was ever under way. A message that takes long
 * holds `low_water_idx` back, but not the others.
 *
 * Where a number can't tell, the row does, and says `sending`. Whoever was refused for now leaves the frame: a row of `dps_mail_deferred`
 * stands for him until he is settled, so the others overtake him and recovery still finds him; at his next attempt his row is marked.
 * And when somebody is handed back, all who are under way are named in their rows, he is made `pending` again, and `next_idx` goes down to
 * him. `high_water_idx` stays where it is, above those of the named ones who come after him.
 */
export class MailingLedger implements Ledger {
  #position: LedgerPosition;
  #uncertain: Step | null = null;
  /** Since when the database has shown an older number than ours, by `performance.now()`. */
  #behindSince: number | null = null;
  /** Somebody looks further than what was read. */
  #beyond: Promise<Prefetch | null> | null = null;

  constructor(
    private readonly database: MailingDatabase,
    private readonly claim: HeldClaim,
  ) {
    this.#position = positionOf(claim);
    database.commits.noteClaim(claim, claim.commitSeq, claim.inFlight !== null);
  }

  async commit(commit: Commit): Promise<CommitAnswer> {
    await this.#joinBeyond();
    const { ahead } = this.#position;
    // What fails here is asked again by the commit that needs it, and fails there.
    const beyond =
      commit.returned.length > 0 ? null : lookBeyond(this.database, this.claim, commit.capacity, ahead);
    this.#beyond = beyond?.catch(() => null) ?? null;
    const { position, answer } = await this.database.transaction(async (session) => {
      const step = await this.#write(session, commit);
      this.#uncertain = step;
      return step;
    });
    const { open } = this.#position;
    this.#position = position;
    this.#uncertain = null;
    if (answer.kind === 'fenced' || answer.kind === 'rewound') return answer;
    this.#behindSince = null;
    this.#note(commit, open, true);
    return answer;
  }

  remember(commit: Commit): void {
    const before = this.#position;
    this.#position = afterCommit(before, before.open, commit);
    this.#note(commit, before.open, false);
  }

  /** @param open those that were in flight before. */
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

  /** Not before it is here: what is read twice would be marked twice. */
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
    // A pause may be called off meanwhile, and then the others are not to hear of what was before it.
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

  /** Nothing is in flight any more: gives the claim back. It may have been on its last recipient. */
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
    // An end takes the token away; another one means that it was not committed, and another claim has recovered the slice.
    const token = uncertain?.answer.kind === 'ended' ? null : this.claim.claimToken;
    const mine = now?.commitSeq === uncertain?.position.commitSeq && now?.claimToken === token;
    if (uncertain && mine) return uncertain;
    // A node that lags behind may not have the row yet.
    const seen = now?.commitSeq ?? null;
    if (seen === null || seen < this.#position.commitSeq) return this.#seenOlder(seen);
    // The fence would have found this row: the node has caught up between the two statements.
    if (seen === this.#position.commitSeq && now?.claimToken === this.claim.claimToken)
      throw this.#behind('an older one, a moment before');
    return { position: this.#position, answer: { kind: 'fenced' } };
  }

  /**
   * Numbers only grow, so this is an older state: of a node that lags behind, or for good. The fence was an update, so the server takes writes.
   *
   * @throws DatabaseBehindError until it has lasted too long for a node that lags.
   */
  #seenOlder(seen: number | null): Step {
    const error = this.#behind(seen === null ? 'no such mailing' : `commit ${seen}`);
    const since = this.#behindSince ?? performance.now();
    if (performance.now() - since < this.database.commits.options.lagTimeoutMs) throw error;
    return { position: this.#position, answer: { kind: 'rewound' } };
  }

  #behind(seen: string): DatabaseBehindError {
    const isFirst = this.#behindSince === null;
    this.#behindSince ??= performance.now();
    const expected = `commit ${this.#position.commitSeq} of a mailing, or a later one`;
    return new DatabaseBehindError(expected, seen, isFirst);
  }

  /**
   * Fills the free places: first with those who are due for another attempt, then from the list.
   *
   * @param intent as it stands in the books.
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
    const places = commit.capacity - marked.length;
    const read = await readOn(session, claim, nextIdx, places, next.ahead);
    for (const one of read.rows.slice(0, places)) {
      // Nothing in the database would keep somebody from being sent to twice who was read twice.
      if (one.idx < nextIdx || open.has(one.idx)) throw new Error(`Bug: ${one.idx} is begun already.`);
      marked.push(one);
      open.set(one.idx, { source: one.source, rowStatus: 'pending', isRetry: false });
      nextIdx = one.idx + 1;
    }
    // The list is through: somebody may have been deferred by others than this run (`retry`).
    if (marked.length < commit.capacity && !isTime) await lookForDue();
    const ahead = { ...read, rows: read.rows.slice(places) };
    const position = { ...next, ...intentAt(next, nextIdx), open, ahead, lookForDueAt };
    if (nextIdx !== intent.nextIdx) await moveIntent(session, claim, position);
    if (marked.length === 0 && commit.inFlight === 0 && dueInMs === null)
      return this.#complete(session, position, commit);
    const exhausted = marked.length < commit.capacity;
    const answer: CommitAnswer = {
      kind: 'continue',
      marked,
      exhausted,
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

/** Where nothing was sent: what a dead run had come to counts as a whole. */
function unchanged({ guardScores }: HeldClaim): GuardReport {
  return { scores: guardScores, sums: guardScores };
}

function withScores({ position, answer }: Step, elsewhere: GuardReport['scores'] | undefined): Step {
  return { position, answer: answer.kind === 'continue' ? { ...answer, elsewhere } : answer };
}

const QUIET: CommitAnswer = { kind: 'continue', marked: [], exhausted: false, nextDueInMs: null };
