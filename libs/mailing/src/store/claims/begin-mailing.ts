import type { Session } from '../database/mailing.database.js';
import { isDue } from './is-due.js';

/**
 * The first claimed batch of a mailing sets it to `in_progress`. If two are first, one changes the row and the other finds it changed.
 *
 * - Lock order: the mailing's row, exclusively, after the batch's row (`claimBatch`). Index: primary key.
 * - The second statement proves the state: the first one changes no row if another claim was faster, and that is no failure. It counts up a column, so
 *   that the number of affected rows means the same under both found-rows settings.
 *
 * @returns false if the mailing may not be worked on.
 */
export async function beginMailing(session: Session, mailingId: string): Promise<boolean> {
  const { mailing } = session.tables;
  await session.change(
    `UPDATE ${mailing}
     SET status = 'in_progress', status_reason = NULL, start_time = COALESCE(start_time, ${session.dialect.now})
     WHERE id = ? AND status = 'pending' AND ${isDue(session)}`,
    [mailingId],
  );
  const begun = await session.change(
    `UPDATE ${mailing} SET commit_seq = commit_seq + 1 WHERE id = ? AND status = 'in_progress'`,
    [mailingId],
  );
  return begun === 1;
}
