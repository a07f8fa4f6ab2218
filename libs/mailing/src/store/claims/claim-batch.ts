import type { BatchName } from '../../model/ports/dispatcher.js';
import type { Session } from '../database/mailing.database.js';
import { isDue, provesLife } from './claim-mailing.js';
import { readMailingStatus } from '../database/read-mailing-status.js';
import { isFree } from './find-free-batches.js';

/**
 * Claims a batch that nobody works on. Call it in a transaction of its own, and roll back if it answers false.
 *
 * - Lock order: the batch's row, then the mailing's: a shared lock, or, for the first batch of a mailing only, its own.
 * - Index: primary key. The guard is the state itself, as for a mailing: of any number of claimers one changes the row.
 * - A mailing that is being paused or ended at this moment is either seen here, or its order waits for this claim and finds
 *   it. Were the mailing only read, both could be missed: a pause that is reached while a batch is worked on leaves, once
 *   that batch is complete, a mailing without batches that nobody completes any more.
 * - The lock comes second: two claims of a mailing that is not begun would both have it shared, and each wait for the other.
 * - The scores of the error guard begin anew: what the last claim came to is in the mailing's row (`endBatch`).
 * - Rejected: `SELECT … FOR UPDATE SKIP LOCKED`. It needs MySQL 8 or MariaDB 10.6, locks gaps of the index that batches
 *   being completed have to move through, and saves only what a random choice among the free ones saves as well.
 *
 * @returns false if it is not free any more, or its mailing may not be worked on.
 */
export async function claimBatch(
  session: Session,
  { mailingId, startIdx }: BatchName,
  uniqServerId: string,
  claimToken: string,
): Promise<boolean> {
  const life = provesLife(session, uniqServerId, claimToken);
  const { now, whileItLasts } = session.dialect;
  const changed = await session.change(
    `UPDATE ${session.tables.mailBatch}
     SET status = 'claimed', uniq_server_id = ?, claim_token = ?, commit_seq = commit_seq + 1, start_time = COALESCE(start_time, ${now}),
       last_commit_at = ${now}, suspect_score = 0, failure_score = 0
     WHERE mailing_id = ? AND start_idx = ? AND ${isFree(session)} AND ${life.sql}`,
    [uniqServerId, claimToken, mailingId, startIdx, ...life.parameters],
  );
  if (changed !== 1) return false;
  const status = await readMailingStatus(session, mailingId);
  if (status === 'pending') return beginMailing(session, mailingId);
  return (await readMailingStatus(session, mailingId, whileItLasts)) === 'in_progress';
}

/** The first batch of a mailing begins it; of two that are the first, one changes the row and the other finds it begun. */
async function beginMailing(session: Session, mailingId: string): Promise<boolean> {
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
