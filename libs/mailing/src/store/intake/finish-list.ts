import type { Session } from '../database/mailing.database.js';

/**
 * From this statement on the mailing may start: its list is complete, and its number of recipients is known. A `status_reason` in a `loading` row
 * means that a pause was requested meanwhile. A mailing without a pending recipient has no batches, so it is stored as not batched and is completed
 * like any other.
 */
export async function finishList(
  session: Session,
  mailingId: string,
  claimToken: string,
  numProfiles: number,
  isBatched: boolean,
): Promise<boolean> {
  const changed = await session.change(
    `UPDATE ${session.tables.mailing} SET status = CASE WHEN status_reason IS NULL THEN 'pending' ELSE 'paused' END,
       num_profiles = ?, is_batched = ${isBatched ? 'TRUE' : 'FALSE'}, claim_token = NULL, commit_seq = commit_seq + 1
     WHERE id = ? AND claim_token = ? AND status = 'loading'`,
    [numProfiles, mailingId, claimToken],
  );
  return changed === 1;
}
