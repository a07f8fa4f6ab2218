import type { Slice } from '../../model/slice.js';
import type { DeadJournal } from '../dead.journal.js';
import type { Session } from '../mailing.database.js';
import { SOURCES } from '../recipient-place.js';
import { booksOf } from '../slice-books.js';
import { provesLife } from './claim-mailing.js';
import { scheduleAttempts, unscheduleAttempts } from './defer-recipients.js';
import { moveIntent, nameIntended } from './intent.js';
import { attemptsUnderWay } from './mark-due.js';
import { inChunks, placeholders } from './placeholders.js';
import { type Frame, settleKnown } from './recover-known.js';

/** A slice whose claim holder is dead. */
export interface DeadClaim {
  slice: Slice;
  /** Who takes it over. */
  uniqServerId: string;
  /** The claim of the dead, which this one replaces. */
  deadToken: string;
  claimToken: string;
  /** Whether those caught are sent again, or recorded as in doubt. */
  resend: boolean;
  /** What the dead run has left beside the books; null: nothing that can be believed. */
  journal: DeadJournal | null;
}

/** Whom the death of a run caught. */
export interface Caught {
  numCaught: number;
  /** Places of those who were at a further attempt. */
  retries: number[];
  /** Profiles that were sent to without the books knowing it: ids. */
  mailed: string[];
}

const IN_DOUBT_TEXT =
  'The sending process died between hand-over and answer; the mail server may have taken the message.';

/**
 * Takes a dead run's slice over and settles whom its death caught, before the first new message. Call it in a
 * transaction of its own.
 *
 * - Lock order: the row with the books first, recipients after it, as in a beat. A zombie that beats at this very moment
 *   either commits before (its outcomes count, and fewer are in doubt) or finds its token gone.
 * - The guard is the token that was judged dead: of two recoverers one changes the row, and only the living incarnation
 *   of the server (`provesLife`). A mailing is its server's own; a batch is anybody's.
 * - Index: a range of the primary key from `settled_idx` (everything before is settled or deferred) to `reach_idx`
 *   (nobody from it on was ever under way), so the work does not grow with the list; those at a further attempt are
 *   named by `dps_mail_deferred`.
 * - Whom the numbers of the books say to be under way is named in his row first (`nameIntended`), so there is one kind of them from then
 *   on, and `next_idx` goes down to where the list goes on.
 * - Rejected: searching for `sending` over the whole list, seconds at a million recipients; an index on status, see
 *   `read-next.ts`.
 *
 * @returns who was caught, or null if somebody else was faster.
 */
export async function recoverSlice(session: Session, claim: DeadClaim): Promise<Caught | null> {
  const { slice } = claim;
  const books = booksOf(session, slice);
  if (!(await takeFromDead(session, claim))) return null;
  const [range] = await session.rows<Record<'settled_idx' | 'next_idx' | 'reach_idx' | 'beat', number>>(
    `SELECT settled_idx, next_idx, reach_idx, beat FROM ${books.table} WHERE ${books.sql}`,
    books.parameters,
  );
  const frame = { fromIdx: Number(range.settled_idx), toIdx: Number(range.reach_idx) };
  const intended = {
    sql: `mailing_id = ? AND idx >= ? AND idx < ? AND status = 'pending'`,
    parameters: [slice.mailingId, frame.fromIdx, Number(range.next_idx)],
  };
  for (const source of SOURCES) await nameIntended(session, session.tables[source], intended);
  await moveIntent(session, slice, { nextIdx: frame.fromIdx, reachIdx: frame.toIdx });
  // The claim has just been counted as a beat.
  const fates = claim.journal?.after(Number(range.beat) - 1);
  const mailed = fates ? await settleKnown(session, slice, frame, fates) : [];
  const again = await attemptsUnderWay(session, slice);
  const caught =
    (await inChunks(again, (chunk) => settleAgain(session, claim, chunk))) +
    (await settleFrame(session, claim, frame));
  if (!claim.resend && caught > 0) {
    await session.change(`UPDATE ${books.table} SET num_errors = num_errors + ? WHERE ${books.sql}`, [
      caught,
      ...books.parameters,
    ]);
  }
  return { numCaught: caught, retries: again, mailed };
}

async function takeFromDead(
  session: Session,
  { slice, uniqServerId, deadToken, claimToken }: DeadClaim,
): Promise<boolean> {
  const books = booksOf(session, slice);
  const life = provesLife(session, uniqServerId, claimToken);
  const guard = slice.batch
    ? { sql: `status = 'claimed'`, parameters: [] }
    : {
        sql: `status IN ('in_progress', 'pausing', 'canceling') AND uniq_server_id = ?`,
        parameters: [uniqServerId],
      };
  const taken = await session.change(
    `UPDATE ${books.table} SET claim_token = ?, uniq_server_id = ?, beat = beat + 1, last_commit_at = ${session.dialect.now}
     WHERE ${books.sql} AND claim_token = ? AND ${guard.sql} AND ${life.sql}`,
    [claimToken, uniqServerId, ...books.parameters, deadToken, ...guard.parameters, ...life.parameters],
  );
  return taken === 1;
}

/**
 * Those at their first attempt lie between `settled_idx` and `reach_idx`. Who is made `pending` waits, because `next_idx` went down
 * before.
 */
async function settleFrame(
  session: Session,
  { slice: { mailingId }, resend }: DeadClaim,
  { fromIdx, toIdx }: Frame,
): Promise<number> {
  const where = `WHERE mailing_id = ? AND idx >= ? AND idx < ? AND status = 'sending'`;
  let caught = 0;
  for (const table of [session.tables.emailAddress, session.tables.userMailing]) {
    caught += await (resend
      ? session.change(
          `UPDATE ${table} SET attempts = attempts + 1, changed_at = ${session.dialect.now}, status = 'pending' ${where}`,
          [mailingId, fromIdx, toIdx],
        )
      : session.change(`UPDATE ${table} SET ${inDoubt(session)} ${where}`, [
          IN_DOUBT_TEXT,
          mailingId,
          fromIdx,
          toIdx,
        ]));
  }
  return caught;
}

/** Those at a further attempt lie anywhere before it, and are named by their rows in the table of those who wait. */
async function settleAgain(
  session: Session,
  { slice: { mailingId }, resend }: DeadClaim,
  indexes: number[],
): Promise<number> {
  const where = `WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = 'sending'`;
  let caught = 0;
  for (const table of [session.tables.emailAddress, session.tables.userMailing]) {
    caught += await (resend
      ? session.change(
          `UPDATE ${table} SET attempts = attempts + 1, ${dueNow(session)}, status = 'deferred' ${where}`,
          [mailingId, ...indexes],
        )
      : session.change(`UPDATE ${table} SET ${inDoubt(session)} ${where}`, [
          IN_DOUBT_TEXT,
          mailingId,
          ...indexes,
        ]));
  }
  await unscheduleAttempts(session, mailingId, indexes);
  if (resend) {
    await scheduleAttempts(
      session,
      mailingId,
      indexes.map((idx) => ({ idx, delayMs: 0 })),
    );
  }
  return caught;
}

function dueNow({ dialect }: Session): string {
  return `next_attempt_at = ${dialect.now}, changed_at = ${dialect.now}`;
}

function inDoubt({ dialect }: Session): string {
  return `attempts = attempts + 1, changed_at = ${dialect.now}, error_code = 'in_doubt', error_text = ?, status = 'in_doubt'`;
}
