import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { Session } from '../database/mailing.database.js';
import { readMailingStatus } from '../database/read-mailing-status.js';
import { mergeRestOfCanceled } from './merge-rest-of-canceled.js';

/**
 * Completes the pause or the cancel that was requested for a batched mailing, once none of its batches is claimed any more.
 *
 * - Lock order: the mailing's row first, batches after it. A process that frees or completes a batch holds that row too, so no batch changes between
 *   the check and the update. A claim that is being committed also holds it (`claimBatch`).
 * - The lock is a separate statement: on PostgreSQL the check must be in a statement that begins after the lock was obtained, or it would not see
 *   batches that ended before it.
 * - Index: `(status, mailing_id, not_before)`, its entries for `claimed` batches of this mailing.
 *
 * @returns the status reached, or null if there is no command or a batch is still claimed.
 */
export async function applyCommand(session: Session, mailingId: string): Promise<MailingStatus | null> {
  const { tables, dialect } = session;
  const asked = await session.change(
    `UPDATE ${tables.mailing} SET commit_seq = commit_seq + 1
     WHERE id = ? AND is_batched = TRUE AND status IN ('pausing', 'canceling')`,
    [mailingId],
  );
  if (asked !== 1) return null;
  const reached = await session.change(
    `UPDATE ${tables.mailing}
     SET end_time = CASE WHEN status = 'canceling' THEN ${dialect.now} ELSE end_time END,
       status = CASE WHEN status = 'canceling' THEN 'canceled' ELSE 'paused' END
     WHERE id = ? AND NOT EXISTS (SELECT 1 FROM ${tables.mailBatch} WHERE mailing_id = ? AND status = 'claimed')`,
    [mailingId, mailingId],
  );
  if (reached !== 1) return null;
  await mergeRestOfCanceled(session, mailingId);
  return readMailingStatus(session, mailingId);
}

/** Batched mailings with a pause or a cancel to complete; index: `(is_batched, status)`. */
export async function findUnappliedCommands(session: Session, limit: number): Promise<string[]> {
  const rows = await session.rows<{ id: string }>(
    `SELECT id FROM ${session.tables.mailing} WHERE is_batched = TRUE AND status IN ('pausing', 'canceling')
     ORDER BY id LIMIT ${limit}`,
  );
  return rows.map((row) => row.id);
}
