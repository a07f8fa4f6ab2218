import type { Session } from '../database/mailing.database.js';
import { UNFINISHED } from './find-unfinished.js';

/**
 * Moves the unfinished mailings of a server that no longer exists to another server. `claimMailing` and `recoverSlice` then decide which process
 * works on them, as for the server's own mailings.
 *
 * - Lock order: mailings only, in order of the index `(uniq_server_id, status)`; the server's row is read, not locked.
 * - The guard `NOT EXISTS` is judged in the same statement as the move, and again after it (`adoptIfStillDead`): a server that registers again
 *   meanwhile keeps its mailings. `pruneServer` removes the row of a dead server first, so a missing row is the only sign of death here.
 * - `claim_token` stays: it names the dead run, and recovery compares it. `commit_seq` stays too: while a claim is held, only its commits increase
 *   it, and the journal of the dead run names its last commit.
 * - Rejected: moving by the time of the last heartbeat alone. The dead server's row would stay, and every other server would judge it again.
 *
 * Paused mailings move too, so that a resumed mailing has an owner. Unfinished lists move so that they are marked failed.
 *
 * @returns how many mailings were moved.
 */
export function adoptMailings(session: Session, fromServerId: string, toServerId: string): Promise<number> {
  const { mailing, mailServer } = session.tables;
  return session.change(
    `UPDATE ${mailing} SET uniq_server_id = ?
     WHERE uniq_server_id = ? AND status IN (${UNFINISHED})
       AND NOT EXISTS (SELECT 1 FROM ${mailServer} WHERE uniq_server_id = ?)`,
    [toServerId, fromServerId, fromServerId],
  );
}
