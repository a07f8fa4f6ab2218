import type { MailingStatus } from '../../model/mailing-status.js';
import type { Session } from '../mailing.database.js';
import { scheduleAttempts } from './defer-recipients.js';
import { placeholders } from './placeholders.js';

/** Which recipients an order is about. */
export type Unlucky = 'error' | 'in_doubt';

/**
 * Locks a mailing's row as the first statement of an order over its recipients, in the order of a beat: the mailing first,
 * recipients after it. The row itself is not changed.
 *
 * @returns its status under the lock.
 */
export async function lockMailing(session: Session, mailingId: string): Promise<MailingStatus | null> {
  await session.change(`UPDATE ${session.tables.mailing} SET status = status WHERE id = ?`, [mailingId]);
  const [row] = await session.rows<{ status: MailingStatus }>(
    `SELECT status FROM ${session.tables.mailing} WHERE id = ?`,
    [mailingId],
  );
  return row?.status ?? null;
}

/**
 * The next recipients of one table that ended badly.
 *
 * - Index: a range of the primary key; `status` is a filter. A whole list is read once for one order of a person.
 */
export async function findUnlucky(
  session: Session,
  table: string,
  mailingId: string,
  status: Unlucky,
  fromIdx: number,
  limit: number,
): Promise<number[]> {
  const rows = await session.rows<{ idx: number }>(
    `SELECT idx FROM ${table} WHERE mailing_id = ? AND idx >= ? AND status = ? ORDER BY idx LIMIT ${limit}`,
    [mailingId, fromIdx, status],
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
 * - Lock order: the mailing's row (`lockMailing`), recipients, `dps_mail_deferred`; as in a beat.
 * - They become `deferred` and not `pending`: a run that is under way has passed them by and would not look at them again,
 *   and those due for another attempt are looked at by every run.
 * - A completed mailing is opened again in the same transaction, so that the sum of its counters is never less than its
 *   recipients while it is called completed.
 * - `attempts` begins again: who asks for another try means a whole one.
 */
export async function retryRecipients(
  session: Session,
  table: string,
  mailingId: string,
  status: Unlucky,
  indexes: number[],
): Promise<void> {
  const { now } = session.dialect;
  await session.change(
    `UPDATE ${table} SET status = 'deferred', attempts = 0, settled_at = NULL, next_attempt_at = ${now}
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = ?`,
    [mailingId, ...indexes, status],
  );
  await scheduleAttempts(
    session,
    mailingId,
    indexes.map((idx) => ({ idx, delayMs: 0 })),
  );
  await session.change(
    `UPDATE ${session.tables.mailing} SET num_errors = num_errors - ?,
       end_time = CASE WHEN status = 'completed' THEN NULL ELSE end_time END,
       status = CASE WHEN status = 'completed' THEN 'pending' ELSE status END
     WHERE id = ?`,
    [indexes.length, mailingId],
  );
}

/**
 * Settles doubt by what somebody knows. Locks as above; those `in_doubt` are counted as errors already, so only the ones
 * that turn out to be sent move from one counter to the other.
 */
export async function settleDoubt(
  session: Session,
  table: string,
  mailingId: string,
  indexes: number[],
  as: 'sent' | 'error',
): Promise<void> {
  const texts = as === 'sent' ? ', error_code = NULL, error_text = NULL' : '';
  await session.change(
    `UPDATE ${table} SET status = ?, settled_at = ${session.dialect.now}${texts}
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = 'in_doubt'`,
    [as, mailingId, ...indexes],
  );
  if (as === 'error') return;
  await session.change(
    `UPDATE ${session.tables.mailing} SET num_errors = num_errors - ?, num_sent = num_sent + ? WHERE id = ?`,
    [indexes.length, indexes.length, mailingId],
  );
}
