import type { GuardScores } from '../../model/states/guard-scores.js';
import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { booksOf } from '../database/slice-books.js';
import type { Intent } from './intent.js';
import { readCommandAndScores } from './read-command-and-scores.js';

/** What the first statement of a beat writes. */
export interface Fence {
  slice: Slice;
  claimToken: string;
  /** The beat this writer believes to be the last one committed. */
  beat: number;
  sent: number;
  errors: number;
  skipped: number;
  settledIdx: number;
  /** What this beat will mark; `moveIntent` corrects what comes out otherwise. */
  intent: Intent;
  guardScores: GuardScores;
}

/** How the mailing stands behind the fence. */
export interface Fenced {
  status: MailingStatus;
  /** Scores of the rest of the mailing; absent where they were not asked for. */
  elsewhere?: GuardScores;
}

/**
 * First statement of every beat: fencing, counters, the intent and the row lock in one, then the order that stands in the row.
 *
 * - Lock order: the row with the slice's books first, recipients after it. Nobody takes them the other way round. A batch
 *   has books of its own, so the servers of one mailing do not wait for each other.
 * - Index: primary key; the token and the beat are compared on the locked row.
 * - The order of a mailing stands in the row itself: with `status = 'in_progress'` among the conditions the usual answer, that
 *   there is none, costs no question of its own. Where it changes nothing, the row is asked the long way.
 * - The order of a batch stands in its mailing's row, which is read and not locked: one that is written at this very moment
 *   is found by the next beat. As a condition of the update it would be locked, and who ends a batch would wait for
 *   the beats of all others.
 * - The scores of the error guard are written as they stand, because a slice has one writer. Those of the rest of a batched mailing come
 *   with its order, by the question that is asked anyway (`readCommandAndScores`).
 * - `beat` always changes, so affected rows mean the same under both found-rows settings. Comparing it as well makes the
 *   statement safe to repeat: if the answer to a commit was lost, the repetition finds no row and the caller asks
 *   `readClaim` whether its own beat is the one that is there.
 * - Rejected: `SELECT … FOR UPDATE`, check, then update. One statement more for each beat, and SQLite has no such lock.
 * - Rejected: counting the recipients' states when somebody asks. A million rows per question.
 *
 * @returns null if the claim is held by another process (or the beat is already committed).
 */
export async function fenceBeat(session: Session, fence: Fence): Promise<Fenced | null> {
  const { mailingId, batch } = fence.slice;
  if (!batch && (await writeFence(session, fence, `AND status = 'in_progress'`)) === 1)
    return { status: 'in_progress' };
  if ((await writeFence(session, fence, '')) !== 1) return null;
  const { suspect, failure } = fence.guardScores;
  if (batch && suspect + failure > 0) return readCommandAndScores(session, { mailingId, batch });
  return { status: await readMailingStatus(session, mailingId) };
}

function writeFence(session: Session, fence: Fence, condition: string): Promise<number> {
  const books = booksOf(session, fence.slice);
  return session.change(
    `UPDATE ${books.table} SET num_sent = num_sent + ?, num_errors = num_errors + ?, num_skipped = num_skipped + ?,
       settled_idx = ?, next_idx = ?, reach_idx = ?, suspect_score = ?, failure_score = ?, beat = beat + 1,
       last_commit_at = ${session.dialect.now}
     WHERE ${books.sql} AND claim_token = ? AND beat = ? ${condition}`,
    [
      fence.sent,
      fence.errors,
      fence.skipped,
      fence.settledIdx,
      fence.intent.nextIdx,
      fence.intent.reachIdx,
      fence.guardScores.suspect,
      fence.guardScores.failure,
      ...books.parameters,
      fence.claimToken,
      fence.beat,
    ],
  );
}

/**
 * @param lock `whileItLasts` of the dialect: it is read as it is now, and stays so until the transaction is over.
 * @throws Error if the mailing was removed.
 */
export async function readMailingStatus(
  session: Session,
  mailingId: string,
  lock = '',
): Promise<MailingStatus> {
  const [row] = await session.rows<{ status: MailingStatus }>(
    `SELECT status FROM ${session.tables.mailing} WHERE id = ? ${lock}`,
    [mailingId],
  );
  return row.status;
}

/** Who holds the slice now, and how many beats were committed. */
export async function readClaim(
  session: Session,
  slice: Slice,
): Promise<{ claimToken: string | null; beat: number } | null> {
  const books = booksOf(session, slice);
  const [row] = await session.rows<{ claim_token: string | null; beat: number }>(
    `SELECT claim_token, beat FROM ${books.table} WHERE ${books.sql}`,
    books.parameters,
  );
  return row ? { claimToken: row.claim_token, beat: Number(row.beat) } : null;
}
