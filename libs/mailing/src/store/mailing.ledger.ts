import type { Beat, BeatAnswer, Ledger, Release } from '../model/ledger.js';
import type { MailingStatus } from '../model/mailing-status.js';
import type { Outcome } from '../model/outcome.js';
import type { MarkedRecipient } from '../model/recipient.js';
import type { MailingDatabase, Session } from './mailing.database.js';
import type { HeldClaim } from './held-claim.js';
import { isDrained, joined, lookBeyond, NOTHING_READ, type ReadAhead, readOn } from './read-ahead.js';
import { markNextRetries, type Place, type SourceName, turnRecipientsOver } from './recipient-marking.js';
import { countsOf, writeEnds } from './recipient-settling.js';
import { endBatch } from './statements/end-batch.js';
import { completeMailing, releaseMailing } from './statements/end-slice.js';
import { fenceBeat, readClaim } from './statements/fence-beat.js';
import { nextDueInMs } from './statements/mark-due.js';
import { raiseNextIdx } from './statements/mark-next.js';

/** What the ledger keeps in mind between two beats; replaced as a whole once a beat is committed. */
interface Bookmark {
  beat: number;
  /** Nobody before it is `pending`. */
  cursor: number;
  /** As it stands in the books: nobody from here on was ever marked. */
  nextIdx: number;
  /** Marked and not settled: where each of them lies. At most `maxInDoubt`. */
  open: ReadonlyMap<number, Place>;
  ahead: ReadAhead;
  /** By the monotonic clock: when to look for deferred recipients again, at the latest when the list is through. */
  lookForDueAt: number;
}

/** One step of the books: where they stand after it, and what the run is told. */
interface Step {
  bookmark: Bookmark;
  answer: BeatAnswer;
}

/**
 * The books of one slice of a persisted mailing.
 *
 * A beat is one transaction: fence, outcomes, returns, the next marks. The database is the truth and this object only a
 * bookmark into it, moved after the commit, never before. That leaves one hole, which every client of every database
 * has: the answer to a commit can get lost, and nobody can tell "not committed" from "committed and not told". The beat
 * number closes it. Each beat names the number it believes to be the last; if a repetition finds the slice still under
 * its own token, but one beat further, then the lost answer was a yes, and what that beat marked is still known here.
 *
 * Two marks in its row frame the part of the list that is not over: everybody before `settled_idx` is
 * settled or deferred, nobody from `next_idx` on was ever marked. Recipients between them are settled, open, or handed
 * back; a message that takes long holds `settled_idx` back, but not the others. Whoever was refused for now leaves the
 * frame: a row of `dps_mail_deferred` stands for him until he is settled, so the others overtake him and recovery still
 * finds him.
 */
export class MailingLedger implements Ledger {
  #bookmark: Bookmark;
  #uncertain: Step | null = null;
  /** Somebody looks further than what was read. */
  #beyond: Promise<ReadAhead | null> | null = null;

  constructor(
    private readonly database: MailingDatabase,
    private readonly claim: HeldClaim,
  ) {
    this.#bookmark = {
      beat: claim.beat,
      cursor: claim.settledIdx,
      nextIdx: claim.nextIdx,
      open: new Map(),
      ahead: NOTHING_READ,
      lookForDueAt: 0,
    };
  }

  async beat(beat: Beat): Promise<BeatAnswer> {
    await this.#joinBeyond();
    const { ahead } = this.#bookmark;
    // What fails here is asked again by the beat that needs it, and fails there.
    const beyond = beat.returned.length > 0 ? null : lookBeyond(this.database, this.claim, beat.free, ahead);
    this.#beyond = beyond?.catch(() => null) ?? null;
    const { bookmark, answer } = await this.database.transaction(async (session) => {
      const step = await this.#write(session, beat);
      this.#uncertain = step;
      return step;
    });
    this.#bookmark = bookmark;
    this.#uncertain = null;
    return answer;
  }

  /** Not before it is here: what is read twice would be marked twice. */
  async #joinBeyond(): Promise<void> {
    const beyond = await this.#beyond;
    this.#beyond = null;
    if (beyond) this.#bookmark = { ...this.#bookmark, ahead: joined(this.#bookmark.ahead, beyond) };
  }

  async #write(session: Session, beat: Beat): Promise<Step> {
    const { claim } = this;
    const before = this.#bookmark;
    const next = settle(before, beat);
    next.nextIdx = reachOf(claim, next, beat);
    const status = await fenceBeat(session, {
      slice: claim,
      claimToken: claim.claimToken,
      beat: before.beat,
      ...countsOf(beat.outcomes),
      settledIdx: lowest(next.cursor, firstAttempts(next.open)),
      nextIdx: next.nextIdx,
    });
    if (status === null) return this.#explainFence(session);
    const marksMore = status === 'in_progress' && !beat.release && beat.free > 0;
    const sent = new Set(marksMore ? beat.outcomes.filter((one) => one.status === 'sent') : []);
    await writeEnds(session, claim.mailingId, before.open, beat, sent);
    if (marksMore) return this.#markNext(session, next, beat, [...sent]);
    if (status === 'in_progress' && !beat.release) return { bookmark: next, answer: QUIET };
    if (beat.remaining > 0) return { bookmark: next, answer: { kind: 'stand_down' } };
    return { bookmark: next, answer: await this.#end(session, status, beat.release) };
  }

  /** Nothing is in flight any more: gives the claim back. It may have been on its last recipient. */
  async #end(session: Session, from: MailingStatus, release: Release | null): Promise<BeatAnswer> {
    const { mailingId, batch } = this.claim;
    if (batch) {
      const { isComplete, mailing } = await endBatch(session, { mailingId, batch }, release);
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
    // An end takes the token away; another one means that it was not committed, and somebody has recovered the slice.
    const token = uncertain?.answer.kind === 'ended' ? null : this.claim.claimToken;
    const mine = now?.beat === uncertain?.bookmark.beat && now?.claimToken === token;
    if (uncertain && mine) return uncertain;
    return { bookmark: this.#bookmark, answer: { kind: 'lost' } };
  }

  /**
   * Fills the free places: first with those who are due for another attempt, then from the list.
   *
   * @param sent of this beat, and not written yet.
   */
  async #markNext(session: Session, next: Bookmark, beat: Beat, sent: Outcome[]): Promise<Step> {
    const { claim } = this;
    const { open: before } = this.#bookmark;
    const open = new Map(next.open);
    const marked: MarkedRecipient[] = [];
    let { lookForDueAt, cursor } = next;
    let dueInMs: number | null = null;
    const lookForDue = async (): Promise<void> => {
      const retries = await markNextRetries(session, claim, beat.free - marked.length);
      for (const { source, ...one } of retries) {
        marked.push(one);
        open.set(one.idx, { source, isRetry: true });
      }
      dueInMs = await nextDueInMs(session, claim);
      lookForDueAt = dueInMs === null ? Number.POSITIVE_INFINITY : performance.now() + dueInMs;
    };
    const isTime = performance.now() >= lookForDueAt;
    if (isTime) await lookForDue();
    const places = beat.free - marked.length;
    const read = await readOn(session, claim, cursor, places, next.ahead);
    const firsts = read.rows.slice(0, places);
    const sentIn = (source: SourceName): Outcome[] =>
      sent.filter(({ idx }) => before.get(idx)?.source === source);
    await turnRecipientsOver(session, claim, sentIn, firsts);
    for (const { source, ...one } of firsts) {
      marked.push(one);
      open.set(one.idx, { source, isRetry: false });
      cursor = one.idx + 1;
    }
    // Further than was foreseen: the list has gaps where it named somebody twice.
    if (cursor > next.nextIdx) await raiseNextIdx(session, claim, cursor);
    // The list is through: somebody may have been deferred by others than this run (`retry`).
    if (marked.length < beat.free && !isTime) await lookForDue();
    const ahead = { ...read, rows: read.rows.slice(places) };
    const nextIdx = Math.max(next.nextIdx, cursor);
    const bookmark = { ...next, open, cursor, nextIdx, ahead, lookForDueAt };
    if (marked.length === 0 && beat.remaining === 0 && dueInMs === null)
      return this.#complete(session, bookmark);
    const exhausted = marked.length < beat.free;
    const answer: BeatAnswer = {
      kind: 'go_on',
      marked,
      exhausted,
      nextDueInMs: dueInMs,
      upcoming: ahead.rows,
    };
    return { bookmark, answer };
  }

  async #complete(session: Session, bookmark: Bookmark): Promise<Step> {
    const answer = await this.#end(session, 'in_progress', null);
    if (answer.kind !== 'ended' || answer.status !== 'completed') {
      const { mailingId } = this.claim;
      throw new Error(`Bug: the counters of mailing ${mailingId} do not add up to its recipients.`);
    }
    return { bookmark, answer };
  }
}

const QUIET: BeatAnswer = { kind: 'go_on', marked: [], exhausted: false, nextDueInMs: null };

/** The bookmark as it will be once the outcomes, deferrals and returns of this beat are committed. */
function settle(before: Bookmark, beat: Beat): Bookmark {
  const open = new Map(before.open);
  const firsts = beat.returned.filter((idx) => open.get(idx)?.isRetry === false);
  for (const { idx } of [...beat.outcomes, ...beat.deferred]) open.delete(idx);
  for (const idx of beat.returned) open.delete(idx);
  const soonest = lowest(
    firsts.length < beat.returned.length ? 0 : Number.POSITIVE_INFINITY,
    beat.deferred.map((one) => one.delayMs),
  );
  return {
    beat: before.beat + 1,
    cursor: lowest(before.cursor, firsts),
    open,
    nextIdx: before.nextIdx,
    ahead: firsts.length > 0 ? NOTHING_READ : before.ahead,
    lookForDueAt: Math.min(before.lookForDueAt, performance.now() + soonest),
  };
}

/** How far this beat will mark at most, if the list has no gaps that were not seen yet. */
function reachOf({ batch }: HeldClaim, { nextIdx, cursor, ahead }: Bookmark, beat: Beat): number {
  if (beat.free === 0 || beat.release) return nextIdx;
  const { rows } = ahead;
  const unread = isDrained(ahead) ? 0 : Math.max(beat.free - rows.length, 0);
  const last = rows[Math.min(beat.free, rows.length) - 1]?.idx ?? cursor - 1;
  return Math.max(nextIdx, Math.min(last + 1 + unread, batch?.endIdx ?? Number.POSITIVE_INFINITY));
}

/** Those at a further attempt lie behind the frame and do not hold it back. */
function* firstAttempts(open: ReadonlyMap<number, Place>): Iterable<number> {
  for (const [idx, { isRetry }] of open) if (!isRetry) yield idx;
}

/** `Math.min` with a spread fails from about 100,000 values on. */
function lowest(start: number, others: Iterable<number>): number {
  let low = start;
  for (const one of others) if (one < low) low = one;
  return low;
}
