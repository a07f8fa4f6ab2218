import { toPublicText } from '../../model/values/public-text.js';
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

/** Fails a list that its living writer could not complete. */
export async function failList(
  session: Session,
  mailingId: string,
  claimToken: string,
  reason: string,
): Promise<boolean> {
  const changed = await session.change(
    `UPDATE ${session.tables.mailing}
     SET status = 'failed', status_reason = ?, claim_token = NULL, commit_seq = commit_seq + 1, end_time = ${session.dialect.now}
     WHERE id = ? AND claim_token = ? AND status = 'loading'`,
    [toPublicText(reason), mailingId, claimToken],
  );
  return changed === 1;
}

/**
 * Fails the lists of this server whose writer died: every `loading` mailing that the living incarnation did not begin.
 *
 * - Index: `(uniq_server_id, status)`. The token begins with the incarnation that wrote it.
 * - Requires the caller's incarnation to be live: after a stop the list may be its successor's.
 */
export function failDeadLists(session: Session, uniqServerId: string, incarnation: string): Promise<number> {
  return session.change(
    `UPDATE ${session.tables.mailing}
     SET status = 'failed', status_reason = 'list incomplete', claim_token = NULL, commit_seq = commit_seq + 1,
         end_time = ${session.dialect.now}
     WHERE uniq_server_id = ? AND status = 'loading' AND (claim_token IS NULL OR claim_token NOT LIKE ?)
       AND EXISTS (SELECT 1 FROM ${session.tables.mailServer} WHERE uniq_server_id = ? AND incarnation = ?
         ${session.dialect.whileItLasts})`,
    [uniqServerId, `${incarnation}#%`, uniqServerId, incarnation],
  );
}
