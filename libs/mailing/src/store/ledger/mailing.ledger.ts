import { DatabaseBehindError } from '../../model/errors/database-behind.error.js';
import { type GuardReport, NOTHING_SEEN } from '../../model/states/guard-scores.js';
import type { Commit, CommitAnswer, Ledger } from '../../model/ports/ledger.js';
import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { MarkedRecipient } from '../../model/mail/recipient.js';
import type { MailingDatabase, Session } from '../database/mailing.database.js';
import type { HeldClaim } from './held-claim.js';
import { isDrained, joined, lookBeyond, NOTHING_READ, type Prefetch, readOn } from './prefetch.js';
import { markNextRetries, nameOpen } from './mark-recipients.js';
import type { OpenRecipient } from './open-recipient.js';
import { countsOf, writeEnds } from './settle-recipients.js';
import { endBatch } from './end-batch.js';
import { completeMailing, releaseMailing } from './end-slice.js';
import { fenceCommit, readClaim } from './fence-commit.js';
import { type Intent, moveIntent } from './intent.js';
import { nextDueInMs } from './begin-retries.js';

/** What the ledger keeps in mind between two commits; replaced as a whole once a commit is committed. */
interface Bookmark {
  commitSeq: number;
  /** As `next_idx` stands in the books: nobody before it is still to be begun. */
  nextIdx: number;
  /** As `high_water_idx` does: nobody from it on was ever under way. */
  highWaterIdx: number;
  /** Under way: where each of them lies. At most `maxInDoubt`. */
  open: ReadonlyMap<number, OpenRecipient>;
  ahead: Prefetch;
  /** By the monotonic clock: when to look for deferred recipients again, at the latest when the list is through. */
  lookForDueAt: number;
}

/** One step of the books: where they stand after it, and what the run is told. */
interface Step {
  bookmark: Bookmark;
  answer: CommitAnswer;
}

/**
 * The books of one slice of a persisted mailing.
 *
 * A commit is one transaction: fence, outcomes, returns, the next intent. The database is the truth and this object only a
 * bookmark into it, moved after the commit, never before. That leaves one hole, which every client of every database
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
  #bookmark: Bookmark;
  #uncertain: Step | null = null;
  /** Since when the database has shown an older number than ours, by `performance.now()`. */
  #behindSince: number | null = null;
  /** Somebody looks further than what was read. */
  #beyond: Promise<Prefetch | null> | null = null;

  constructor(
    private readonly database: MailingDatabase,
    private readonly claim: HeldClaim,
  ) {
    this.#bookmark = {
      commitSeq: claim.commitSeq,
      nextIdx: claim.nextIdx,
      highWaterIdx: claim.highWaterIdx,
      open: new Map(),
      ahead: NOTHING_READ,
      lookForDueAt: 0,
    };
    database.commits.noteClaim(claim, claim.commitSeq, claim.inFlight !== null);
  }

  async commit(commit: Commit): Promise<CommitAnswer> {
    await this.#joinBeyond();
    const { ahead } = this.#bookmark;
    // What fails here is asked again by the commit that needs it, and fails there.
    const beyond =
      commit.returned.length > 0 ? null : lookBeyond(this.database, this.claim, commit.capacity, ahead);
    this.#beyond = beyond?.catch(() => null) ?? null;
    const { bookmark, answer } = await this.database.transaction(async (session) => {
      const step = await this.#write(session, commit);
      this.#uncertain = step;
      return step;
    });
    const { open } = this.#bookmark;
    this.#bookmark = bookmark;
    this.#uncertain = null;
    if (answer.kind === 'fenced' || answer.kind === 'rewound') return answer;
    this.#behindSince = null;
    this.#note(commit, open, true);
    return answer;
  }

  remember(commit: Commit): void {
    const before = this.#bookmark;
    this.#bookmark = settle(before, before.open, commit);
    this.#note(commit, before.open, false);
  }

  /** @param open those that were in flight before. */
  #note(commit: Commit, open: Bookmark['open'], isCommitted: boolean): void {
    const { commitSeq: number, highWaterIdx } = this.#bookmark;
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
    if (beyond) this.#bookmark = { ...this.#bookmark, ahead: joined(this.#bookmark.ahead, beyond) };
  }

  async #write(session: Session, commit: Commit): Promise<Step> {
    const { claim } = this;
    const before = this.#bookmark;
    const isHandingBack = commit.returned.some((idx) => before.open.get(idx)?.isRetry === false);
    const open = isHandingBack ? named(before.open) : before.open;
    const next = settle(before, open, commit);
    const intent = foreseen(claim, next, commit);
    // A pause may be called off meanwhile, and then the others are not to hear of what was before it.
    const guard = commit.isDraining ? NOTHING_SEEN : (commit.guard ?? unchanged(claim));
    const fenced = await fenceCommit(session, {
      slice: claim,
      claimToken: claim.claimToken,
      commitSeq: before.commitSeq,
      ...countsOf(commit.outcomes),
      lowWaterIdx: firstOpen(next),
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
      return withScores({ bookmark: next, answer: QUIET }, elsewhere);
    if (commit.inFlight > 0) return { bookmark: next, answer: { kind: 'drain' } };
    return { bookmark: next, answer: await this.#end(session, status, commit) };
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
    const mine = now?.commitSeq === uncertain?.bookmark.commitSeq && now?.claimToken === token;
    if (uncertain && mine) return uncertain;
    // A node that lags behind may not have the row yet.
    const seen = now?.commitSeq ?? null;
    if (seen === null || seen < this.#bookmark.commitSeq) return this.#seenOlder(seen);
    // The fence would have found this row: the node has caught up between the two statements.
    if (seen === this.#bookmark.commitSeq && now?.claimToken === this.claim.claimToken)
      throw this.#behind('an older one, a moment before');
    return { bookmark: this.#bookmark, answer: { kind: 'fenced' } };
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
    return { bookmark: this.#bookmark, answer: { kind: 'rewound' } };
  }

  #behind(seen: string): DatabaseBehindError {
    const isFirst = this.#behindSince === null;
    this.#behindSince ??= performance.now();
    const expected = `commit ${this.#bookmark.commitSeq} of a mailing, or a later one`;
    return new DatabaseBehindError(expected, seen, isFirst);
  }

  /**
   * Fills the free places: first with those who are due for another attempt, then from the list.
   *
   * @param intent as it stands in the books.
   */
  async #markNext(session: Session, next: Bookmark, commit: Commit, intent: Intent): Promise<Step> {
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
    const bookmark = { ...next, ...reaching(next, nextIdx), open, ahead, lookForDueAt };
    if (nextIdx !== intent.nextIdx) await moveIntent(session, claim, bookmark);
    if (marked.length === 0 && commit.inFlight === 0 && dueInMs === null)
      return this.#complete(session, bookmark, commit);
    const exhausted = marked.length < commit.capacity;
    const answer: CommitAnswer = {
      kind: 'continue',
      marked,
      exhausted,
      nextDueInMs: dueInMs,
      upcoming: ahead.rows,
    };
    return { bookmark, answer };
  }

  async #complete(session: Session, bookmark: Bookmark, commit: Commit): Promise<Step> {
    const answer = await this.#end(session, 'in_progress', commit);
    if (answer.kind !== 'ended' || answer.status !== 'completed') {
      const { mailingId } = this.claim;
      throw new Error(`Bug: the counters of mailing ${mailingId} do not add up to its recipients.`);
    }
    return { bookmark, answer };
  }
}

/** Where nothing was sent: what a dead run had come to counts as a whole. */
function unchanged({ guardScores }: HeldClaim): GuardReport {
  return { scores: guardScores, sums: guardScores };
}

function withScores({ bookmark, answer }: Step, elsewhere: GuardReport['scores'] | undefined): Step {
  return { bookmark, answer: answer.kind === 'continue' ? { ...answer, elsewhere } : answer };
}

const QUIET: CommitAnswer = { kind: 'continue', marked: [], exhausted: false, nextDueInMs: null };

/**
 * The bookmark as it will be once the outcomes, deferrals and returns of this commit are committed.
 *
 * @param under those who were under way before.
 */
function settle(before: Bookmark, under: ReadonlyMap<number, OpenRecipient>, commit: Commit): Bookmark {
  const open = new Map(under);
  const firsts = commit.returned.filter((idx) => open.get(idx)?.isRetry === false);
  for (const { idx } of [...commit.outcomes, ...commit.deferred]) open.delete(idx);
  for (const idx of commit.returned) open.delete(idx);
  const soonest = lowest(
    firsts.length < commit.returned.length ? 0 : Number.POSITIVE_INFINITY,
    commit.deferred.map((one) => one.delayMs),
  );
  return {
    commitSeq: before.commitSeq + 1,
    nextIdx: lowest(before.nextIdx, firsts),
    highWaterIdx: before.highWaterIdx,
    open,
    ahead: firsts.length > 0 ? NOTHING_READ : before.ahead,
    lookForDueAt: Math.min(before.lookForDueAt, performance.now() + soonest),
  };
}

function named(open: ReadonlyMap<number, OpenRecipient>): ReadonlyMap<number, OpenRecipient> {
  return new Map([...open].map(([idx, place]) => [idx, { ...place, rowStatus: 'sending' }]));
}

/**
 * How far the intent will go with this commit, if nobody is due for another attempt and the list has no gaps that were not seen yet: the
 * fence writes it, so that what usually comes about costs no statement of its own.
 */
function foreseen({ batch }: HeldClaim, next: Bookmark, commit: Commit): Intent {
  if (commit.capacity === 0 || commit.release) return next;
  const { ahead, nextIdx } = next;
  const { rows } = ahead;
  const unread = isDrained(ahead) ? 0 : Math.max(commit.capacity - rows.length, 0);
  const last = rows[Math.min(commit.capacity, rows.length) - 1]?.idx ?? nextIdx - 1;
  const end = batch?.endIdx ?? Number.POSITIVE_INFINITY;
  return reaching(next, Math.min(last + 1 + unread, end));
}

function reaching({ highWaterIdx }: Bookmark, nextIdx: number): Intent {
  return { nextIdx, highWaterIdx: Math.max(highWaterIdx, nextIdx) };
}

/** Everybody before it is settled or deferred. Those at a further attempt lie behind the frame and do not hold it back. */
function firstOpen({ nextIdx, open }: Bookmark): number {
  let first = nextIdx;
  for (const [idx, { isRetry }] of open) if (!isRetry && idx < first) first = idx;
  return first;
}

/** `Math.min` with a spread fails from about 100,000 values on. */
function lowest(start: number, others: Iterable<number>): number {
  let low = start;
  for (const one of others) if (one < low) low = one;
  return low;
}
