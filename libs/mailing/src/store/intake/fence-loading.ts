import type { Session } from '../database/mailing.database.js';

/**
 * First statement of every chunk of a list. It proves that this writer still holds the list, and counts invalid entries as skipped.
 *
 * - Lock: the mailing's row first, recipients after it; index: primary key.
 * - A writer that lost its server (zombie), or whose mailing was canceled, changes no row and stops.
 */
export async function fenceLoading(
  session: Session,
  mailingId: string,
  claimToken: string,
  numInvalid: number,
): Promise<boolean> {
  const changed = await session.change(
    `UPDATE ${session.tables.mailing} SET num_skipped = num_skipped + ?, commit_seq = commit_seq + 1
     WHERE id = ? AND claim_token = ? AND status = 'loading'`,
    [numInvalid, mailingId, claimToken],
  );
  return changed === 1;
}
