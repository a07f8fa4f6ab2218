import { toPublicText } from '../../model/values/public-text.js';
import type { Session } from '../database/mailing.database.js';

/**
 * Pauses a mailing that can't be sent as things are.
 *
 * - Lock: the mailing's row; index: primary key.
 * - The guard is the state: a mailing that was claimed meanwhile is paused by its run.
 *
 * @returns false if it was not `pending`.
 */
export async function pausePending(session: Session, mailingId: string, reason: string): Promise<boolean> {
  const changed = await session.change(
    `UPDATE ${session.tables.mailing} SET status = 'paused', status_reason = ?, commit_seq = commit_seq + 1
     WHERE id = ? AND status = 'pending'`,
    [toPublicText(reason), mailingId],
  );
  return changed === 1;
}
