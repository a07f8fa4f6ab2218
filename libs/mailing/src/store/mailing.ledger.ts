import type { Beat, BeatAnswer, Ledger } from '../model/ledger.js';
import type { Outcome } from '../model/outcome.js';
import type { MarkedRecipient } from '../model/recipient.js';
import { COUNTER_OF } from '../model/recipient-status.js';
import type { MailingDatabase, Session } from './mailing.database.js';
import type { HeldClaim } from './mailing-claims.js';
import { completeMailing, releaseMailing } from './statements/end-slice.js';
import { fenceBeat, readClaim } from './statements/fence-beat.js';
import { handBack } from './statements/hand-back.js';
import { markSending, raiseNextIdx, readNextAddresses, readNextProfiles } from './statements/mark-next.js';
import { writeOutcomes } from './statements/write-outcomes.js';

/** The two recipient tables, as the ledger sees them. */
const SOURCES = [
  { table: 'emailAddress', readNext: readNextAddresses },
  { table: 'userMailing', readNext: readNextProfiles },
] as const;

type SourceName = (typeof SOURCES)[number]['table'];

/** What the ledger keeps in mind between two beats; replaced as a whole once a beat is committed. */
interface Bookmark {
  beat: number;
  /** Where the next look for pending recipients starts. */
  cursor: number;
  /** Marked and not settled: where each of them lies. At most `maxInDoubt`. */
  open: ReadonlyMap<number, SourceName>;
  /** Tables that had nothing more at their last look. */
  drained: ReadonlySet<SourceName>;
}

/**
 * The books of one persisted mailing.
 *
 * A beat is one transaction: fence, outcomes, returns, the next marks. The database is the truth and this object only a
 * bookmark into it, moved after the commit, never before. That leaves one hole, which every client of every database
 * has: the answer to a commit can get lost, and nobody can tell "not committed" from "committed and not told". The beat
 * number closes it. Each beat names the number it believes to be the last; if a repetition finds the mailing still under
 * its own token, but one beat further, then the lost answer was a yes, and what that beat marked is still known here.
 *
 * Two marks in the mailing's row frame the part of the list that is not over: everybody before `settled_idx` is
 * settled, nobody from `next_idx` on was ever marked. Recipients between them are settled, open, or handed back; a
 * message that takes long holds `settled_idx` back, but not the others.
 */
export class MailingLedger implements Ledger {
  #bookmark: Bookmark;
  #uncertain: { bookmark: Bookmark; answer: BeatAnswer } | null = null;

  constructor(
    private readonly database: MailingDatabase,
    private readonly claim: HeldClaim,
  ) {
    this.#bookmark = { beat: claim.beat, cursor: claim.settledIdx, open: new Map(), drained: new Set() };
  }

  async beat(beat: Beat): Promise<BeatAnswer> {
    const { bookmark, answer } = await this.database.transaction(async (session) => {
      const step = await this.#write(session, beat);
      this.#uncertain = step;
      return step;
    });
    this.#bookmark = bookmark;
    this.#uncertain = null;
    return answer;
  }

  async #write(session: Session, beat: Beat): Promise<{ bookmark: Bookmark; answer: BeatAnswer }> {
    const { mailingId, claimToken } = this.claim;
    const before = this.#bookmark;
    const next = this.#settle(before, beat);
    const status = await fenceBeat(session, {
      mailingId,
      claimToken,
      beat: before.beat,
      ...countsOf(beat.outcomes),
      settledIdx: lowest(next.cursor, next.open.keys()),
    });
    if (status === null) return this.#explainFence(session);
    await this.#writeOutcomes(session, before, beat);
    if (status !== 'in_progress' || beat.release) {
      if (beat.remaining > 0) return { bookmark: next, answer: { kind: 'stand_down' } };
      return {
        bookmark: next,
        answer: { kind: 'ended', status: await releaseMailing(session, mailingId, status) },
      };
    }
    return this.#markNext(session, next, beat);
  }

  /** The bookmark as it will be once the outcomes and returns of this beat are committed. */
  #settle(before: Bookmark, beat: Beat): Bookmark {
    const open = new Map(before.open);
    for (const { idx } of beat.outcomes) open.delete(idx);
    for (const idx of beat.returned) open.delete(idx);
    return {
      beat: before.beat + 1,
      cursor: lowest(before.cursor, beat.returned),
      open,
      drained: beat.returned.length > 0 ? new Set() : before.drained,
    };
  }

  async #explainFence(session: Session): Promise<{ bookmark: Bookmark; answer: BeatAnswer }> {
    const now = await readClaim(session, this.claim.mailingId);
    const uncertain = this.#uncertain;
    const mine =
      now?.beat === uncertain?.bookmark.beat &&
      (now?.claimToken === this.claim.claimToken || uncertain?.answer.kind === 'ended');
    if (uncertain && mine) return uncertain;
    return { bookmark: this.#bookmark, answer: { kind: 'lost' } };
  }

  async #writeOutcomes(session: Session, before: Bookmark, beat: Beat): Promise<void> {
    for (const { table } of SOURCES) {
      const isHere = (idx: number): boolean => before.open.get(idx) === table;
      const outcomes = beat.outcomes.filter((one) => isHere(one.idx));
      const returned = beat.returned.filter(isHere);
      let written = 0;
      if (outcomes.length > 0) {
        written += await writeOutcomes(session, session.tables[table], this.claim.mailingId, outcomes);
      }
      if (returned.length > 0) {
        written += await handBack(session, session.tables[table], this.claim.mailingId, returned);
      }
      assertWritten('settled', written, outcomes.length + returned.length);
    }
  }

  async #markNext(
    session: Session,
    next: Bookmark,
    beat: Beat,
  ): Promise<{ bookmark: Bookmark; answer: BeatAnswer }> {
    const { mailingId } = this.claim;
    if (beat.free === 0) return { bookmark: next, answer: { kind: 'go_on', marked: [], exhausted: false } };
    const drained = new Set(next.drained);
    const found: (MarkedRecipient & { source: SourceName })[] = [];
    for (const { table, readNext } of SOURCES) {
      if (drained.has(table)) continue;
      const rows = await readNext(session, mailingId, next.cursor, beat.free);
      if (rows.length < beat.free) drained.add(table);
      found.push(...rows.map((row) => ({ ...row, source: table })));
    }
    const marked = found.sort((a, b) => a.idx - b.idx).slice(0, beat.free);
    // What was read and not taken is still there.
    for (const left of found.slice(beat.free)) drained.delete(left.source);
    const exhausted = marked.length < beat.free;
    if (marked.length === 0) return this.#endOrGoOn(session, { ...next, drained }, beat);

    for (const { table } of SOURCES) {
      const own = marked.filter((one) => one.source === table);
      if (own.length === 0) continue;
      const [first, last] = [own[0].idx, own[own.length - 1].idx];
      assertWritten(
        'marked',
        await markSending(session, session.tables[table], mailingId, first, last),
        own.length,
      );
    }
    const cursor = marked[marked.length - 1].idx + 1;
    await raiseNextIdx(session, mailingId, cursor);
    const open = new Map(next.open);
    for (const one of marked) open.set(one.idx, one.source);
    return { bookmark: { ...next, cursor, open, drained }, answer: { kind: 'go_on', marked, exhausted } };
  }

  async #endOrGoOn(
    session: Session,
    bookmark: Bookmark,
    beat: Beat,
  ): Promise<{ bookmark: Bookmark; answer: BeatAnswer }> {
    if (beat.remaining > 0) return { bookmark, answer: { kind: 'go_on', marked: [], exhausted: true } };
    if (!(await completeMailing(session, this.claim.mailingId))) {
      throw new Error(
        `Bug: the counters of mailing ${this.claim.mailingId} do not add up to its recipients.`,
      );
    }
    return { bookmark, answer: { kind: 'ended', status: 'completed' } };
  }
}

/** `Math.min` with a spread fails from about 100,000 values on. */
function lowest(start: number, others: Iterable<number>): number {
  let low = start;
  for (const one of others) if (one < low) low = one;
  return low;
}

function countsOf(outcomes: Outcome[]): { sent: number; errors: number; skipped: number } {
  const counts = { num_sent: 0, num_errors: 0, num_skipped: 0 };
  for (const one of outcomes) counts[COUNTER_OF[one.status]]++;
  return { sent: counts.num_sent, errors: counts.num_errors, skipped: counts.num_skipped };
}

function assertWritten(what: string, written: number, expected: number): void {
  if (written !== expected) {
    throw new Error(
      `Bug: ${written} recipients were ${what} where ${expected} should have been; nothing is committed.`,
    );
  }
}
