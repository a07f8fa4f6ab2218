import type { MailingStatus } from '../../model/mailing-status.js';
import type { Slice } from '../../model/slice.js';
import type { Session } from '../mailing.database.js';
import { belongsTo, booksOf } from '../slice-books.js';
import { scheduleAttempts } from './defer-recipients.js';
import { readMailingStatus } from './fence-beat.js';
import { placeholders } from './placeholders.js';

/** Which recipients an order is about. */
export type Unlucky = 'error' | 'in_doubt';

/**
 * Locks the books of a slice as the first statement of an order over its recipients, in the order of a beat: the books first,
 * recipients after it. The row itself is not changed.
 */
export async function lockBooks(session: Session, slice: Slice): Promise<void> {
  const books = booksOf(session, slice);
  await session.change(`UPDATE ${books.table} SET status = status WHERE ${books.sql}`, books.parameters);
}

/**
 * The parts of a mailing that keep books of their own and have somebody in them who ended badly: the mailing itself, or one
 * page of its batches; index: primary key.
 *
 * @param afterIdx the first place of the last batch of the page before.
 */
export async function findUnluckyBatches(
  session: Session,
  mailingId: string,
  afterIdx: number,
  limit: number,
): Promise<Slice[]> {
  const rows = await session.rows<{ start_idx: number; end_idx: number }>(
    `SELECT start_idx, end_idx FROM ${session.tables.mailBatch}
     WHERE mailing_id = ? AND start_idx > ? AND num_errors > 0 ORDER BY start_idx LIMIT ${limit}`,
    [mailingId, afterIdx],
  );
  return rows.map((row) => ({
    mailingId,
    batch: { startIdx: Number(row.start_idx), endIdx: Number(row.end_idx) },
  }));
}

/**
 * The next recipients of one table that ended badly.
 *
 * - Index: a range of the primary key; `status` is a filter. A whole list is read once for one order of a person.
 */
export async function findUnlucky(
  session: Session,
  table: string,
  slice: Slice,
  status: Unlucky,
  fromIdx: number,
  limit: number,
): Promise<number[]> {
  const own = belongsTo(slice);
  const rows = await session.rows<{ idx: number }>(
    `SELECT idx FROM ${table} WHERE ${own.sql} AND idx >= ? AND status = ? ORDER BY idx LIMIT ${limit}`,
    [...own.parameters, fromIdx, status],
  );
  return rows.map((row) => Number(row.idx));
}

/** Those of these places that are in doubt; index: primary key. */
export async function stillInDoubt(
  session: Session,
  table: string,
  mailingId: string,
  indexes: number[],
): Promise<number[]> {
  const rows = await session.rows<{ idx: number }>(
    `SELECT idx FROM ${table} WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = 'in_doubt'`,
    [mailingId, ...indexes],
  );
  return rows.map((row) => Number(row.idx));
}

/**
 * Makes recipients that ended badly due for another attempt, and takes them out of the counters.
 *
 * - Lock order: the books (`lockBooks`), recipients, `dps_mail_deferred`, as in a beat; for a batch, its mailing's row last.
 * - They become `deferred` and not `pending`: a run that is under way has passed them by and would not look at them again,
 *   and those due for another attempt are looked at by every run.
 * - What is complete, mailing or batch, is opened again in the same transaction, so that the sum of its counters is never
 *   less than its recipients while it is called complete.
 * - `attempts` begins again: who asks for another try means a whole one.
 *
 * @returns the status of the mailing, which stays so until the transaction is over; roll back if it is not to be sent.
 */
export async function retryRecipients(
  session: Session,
  table: string,
  slice: Slice,
  status: Unlucky,
  indexes: number[],
): Promise<MailingStatus> {
  const { dialect } = session;
  const { mailingId } = slice;
  await session.change(
    `UPDATE ${table} SET status = 'deferred', attempts = 0, settled_at = NULL, next_attempt_at = ${dialect.now}
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = ?`,
    [mailingId, ...indexes, status],
  );
  await scheduleAttempts(
    session,
    mailingId,
    indexes.map((idx) => ({ idx, delayMs: 0 })),
  );
  if (slice.batch) await reopenBatch(session, slice);
  const books = booksOf(session, slice);
  await session.change(
    `UPDATE ${books.table} SET num_errors = num_errors - ?${slice.batch ? '' : `, ${OPEN_AGAIN}`} WHERE ${books.sql}`,
    [indexes.length, ...books.parameters],
  );
  return readMailingStatus(session, mailingId, dialect.whileItLasts);
}

/** `beat` is left alone: it is how the claim holder recognizes its own commits, and an order is not one. */
const OPEN_AGAIN = `end_time = CASE WHEN status = 'completed' THEN NULL ELSE end_time END,
  status = CASE WHEN status = 'completed' THEN 'pending' ELSE status END`;

/** Takes the counters of a batch out of its mailing's again and frees it, unless somebody works on it. */
async function reopenBatch(session: Session, slice: Slice): Promise<void> {
  const { mailing, mailBatch } = session.tables;
  const { sql, parameters } = booksOf(session, slice);
  const minus = (column: string): string =>
    `${column} = ${column} - COALESCE((SELECT ${column} FROM ${mailBatch} WHERE ${sql} AND is_summarized = TRUE), 0)`;
  await session.change(
    `UPDATE ${mailing} SET ${minus('num_sent')}, ${minus('num_errors')}, ${minus('num_skipped')}, ${OPEN_AGAIN}
     WHERE id = ?`,
    [...parameters, ...parameters, ...parameters, slice.mailingId],
  );
  await session.change(
    `UPDATE ${mailBatch} SET status = 'free', is_summarized = FALSE, not_before = ${session.dialect.now}, end_time = NULL,
       uniq_server_id = NULL
     WHERE ${sql} AND status <> 'claimed'`,
    parameters,
  );
}

/**
 * Settles doubt by what somebody knows. Locks as above; those `in_doubt` are counted as errors already, so only the ones
 * that turn out to be sent move from one counter to the other, wherever they are counted.
 */
export async function settleDoubt(
  session: Session,
  table: string,
  slice: Slice,
  indexes: number[],
  as: 'sent' | 'error',
): Promise<void> {
  const texts = as === 'sent' ? ', error_code = NULL, error_text = NULL' : '';
  await session.change(
    `UPDATE ${table} SET status = ?, settled_at = ${session.dialect.now}${texts}
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = 'in_doubt'`,
    [as, slice.mailingId, ...indexes],
  );
  if (as === 'error') return;
  const { mailing, mailBatch } = session.tables;
  const books = booksOf(session, slice);
  const move = 'SET num_errors = num_errors - ?, num_sent = num_sent + ?';
  const counts = [indexes.length, indexes.length];
  await session.change(`UPDATE ${books.table} ${move} WHERE ${books.sql}`, [...counts, ...books.parameters]);
  if (!slice.batch) return;
  await session.change(
    `UPDATE ${mailing} ${move}
     WHERE id = ? AND EXISTS (SELECT 1 FROM ${mailBatch} WHERE ${books.sql} AND is_summarized = TRUE)`,
    [...counts, slice.mailingId, ...books.parameters],
  );
}
