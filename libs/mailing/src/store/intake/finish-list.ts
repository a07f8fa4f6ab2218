import type { Session } from '../database/mailing.database.js';

/**
 * From this statement on the mailing may start: its list is complete, and its number of recipients is known. A `status_reason` in a `loading` row
 * means that a pause was requested meanwhile. A mailing without a pending recipient has no batches, so it is stored as not batched and is completed
 * like any other.
 *
 * - Lock order: the mailing's row; its batches come after it (`partitionBatches`). Index: primary key.
 * - The guard is the writer's token, as in `fenceLoading`: of a list that was canceled, or whose writer was declared dead, no row changes.
 *
 * @returns false if the claim on the list is lost.
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
