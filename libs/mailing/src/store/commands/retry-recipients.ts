import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { COUNTERS, progressRowOf } from '../database/progress-row.js';
import { scheduleAttempts } from '../recipients/schedule-attempts.js';
import { readMailingStatus } from '../database/read-mailing-status.js';
import { counterOf, type RetryableStatus } from './find-retryable.js';
import { placeholders } from '../database/placeholders.js';

/**
 * Makes recipients with the outcome `error`, `in_doubt` or `skipped` due for another attempt, and subtracts them from the counters.
 *
 * - Lock order: the progress row (`lockProgress`), recipients, `dps_mail_deferred`, as in a commit; for a batch, its mailing's row last.
 * - They become `deferred` and not `pending`: a `pending` row before `next_idx` counts as in flight. Every run looks for recipients that are due for
 *   another attempt.
 * - A completed mailing or batch is opened again in the same transaction. So while it is called complete, the sum of its counters is never less than
 *   its recipients.
 * - `attempts` restarts at 0: a person who requests a retry means a full series of attempts.
 *
 * @returns the status of the mailing, which can't change until the transaction ends; roll back if the mailing may not be sent.
 */
export async function retryRecipients(
  session: Session,
  table: string,
  slice: Slice,
  status: RetryableStatus,
  indexes: number[],
): Promise<MailingStatus> {
  const { dialect } = session;
  const { mailingId } = slice;
  await session.change(
    `UPDATE ${table} SET status = 'deferred', attempts = 0, changed_at = ${dialect.now}, next_attempt_at = ${dialect.now}
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = ?`,
    [mailingId, ...indexes, status],
  );
  await scheduleAttempts(
    session,
    mailingId,
    indexes.map((idx) => ({ idx, delayMs: 0 })),
  );
  if (slice.batch) await reopenBatch(session, slice);
  const progress = progressRowOf(session, slice);
  const counter = counterOf(status);
  await session.change(
    `UPDATE ${progress.table} SET ${counter} = ${counter} - ?${slice.batch ? '' : `, ${OPEN_AGAIN}`} WHERE ${progress.sql}`,
    [indexes.length, ...progress.parameters],
  );
  return readMailingStatus(session, mailingId, dialect.whileItLasts);
}

/**
 * `commit_seq` is not changed: the claim holder recognizes its own commits by it, and a command is not one. The error guard starts anew for a mailing
 * that is opened again. MySQL assigns from left to right, so `status` comes last.
 */
const OPEN_AGAIN = `suspect_score = CASE WHEN status = 'completed' THEN 0 ELSE suspect_score END,
  failure_score = CASE WHEN status = 'completed' THEN 0 ELSE failure_score END,
  end_time = CASE WHEN status = 'completed' THEN NULL ELSE end_time END,
  status = CASE WHEN status = 'completed' THEN 'pending' ELSE status END`;

/** Subtracts the counters of a merged batch from its mailing's, and frees the batch unless it is claimed. */
async function reopenBatch(session: Session, slice: Slice): Promise<void> {
  const { mailing, mailBatch } = session.tables;
  const { sql, parameters } = progressRowOf(session, slice);
  const minus = (column: string): string =>
    `${column} = ${column} - COALESCE((SELECT ${column} FROM ${mailBatch} WHERE ${sql} AND is_summarized = TRUE), 0)`;
  await session.change(
    `UPDATE ${mailing} SET ${COUNTERS.map(minus).join(', ')}, ${OPEN_AGAIN}
     WHERE id = ?`,
    [...COUNTERS.flatMap(() => parameters), slice.mailingId],
  );
  await session.change(
    `UPDATE ${mailBatch} SET status = 'free', is_summarized = FALSE, not_before = ${session.dialect.now}, end_time = NULL,
       uniq_server_id = NULL
     WHERE ${sql} AND status <> 'claimed'`,
    parameters,
  );
}
