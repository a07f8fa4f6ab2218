import type { Session } from '../database/mailing.database.js';

/**
 * Moves the unfinished mailings of a server that no longer exists to another one. Who works on them is settled
 * afterwards by `claimMailing` and `recoverMailing`, as if they had always been here.
 *
 * - Lock order: mailings only, in order of the index `(uniq_server_id, status)`; the server's row is read, not locked.
 * - The guard `NOT EXISTS` is judged in the same statement as the move, and again after it (`adoptIfStillDead`): a server
 *   that registers again while we decide keeps its work. A server is first removed by `pruneServer`, so "no row" is the only sign of death here.
 * - `claim_token` stays: it names the dead run, and recovery proves it. So does `commit_seq`: while a claim is held, commits alone count it, and
 *   the journal of the dead names its last one.
 * - Rejected: moving by time of the last heartbeat alone, which would leave the dead server's row to be judged again by
 *   every other server.
 *
 * Paused mailings move too, so that whoever resumes them finds an owner; unfinished lists move to be called failed.
 *
 * @returns how many moved.
 */
export function adoptMailings(session: Session, fromServerId: string, toServerId: string): Promise<number> {
  const { mailing, mailServer } = session.tables;
  return session.change(
    `UPDATE ${mailing} SET uniq_server_id = ?
     WHERE uniq_server_id = ? AND status IN ('loading', 'pending', 'in_progress', 'pausing', 'paused', 'canceling')
       AND NOT EXISTS (SELECT 1 FROM ${mailServer} WHERE uniq_server_id = ?)`,
    [toServerId, fromServerId, fromServerId],
  );
}

/** The same for one mailing. @returns 1 if it moved. */
export function adoptMailing(
  session: Session,
  mailingId: string,
  fromServerId: string,
  toServerId: string,
): Promise<number> {
  const { mailing, mailServer } = session.tables;
  return session.change(
    `UPDATE ${mailing} SET uniq_server_id = ?
     WHERE id = ? AND uniq_server_id = ?
       AND NOT EXISTS (SELECT 1 FROM ${mailServer} WHERE uniq_server_id = ?)`,
    [toServerId, mailingId, fromServerId, fromServerId],
  );
}
