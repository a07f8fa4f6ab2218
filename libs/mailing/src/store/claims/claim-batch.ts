import type { BatchName } from '../../model/ports/dispatcher.js';
import type { Session } from '../database/mailing.database.js';
import { provesLife } from '../database/proves-life.js';
import { readMailingStatus } from '../database/read-mailing-status.js';
import { isFree } from './find-free-batches.js';
import { beginMailing } from './begin-mailing.js';

/**
 * Claims a free batch. Call it in its own transaction, and roll back if it returns false.
 *
 * - Lock order: the batch's row, then the mailing's row: a shared lock, or, for the first batch of a mailing only, an exclusive one.
 * - Index: primary key. The guard is the state itself, as for a mailing: of any number of claimers, exactly one changes the row.
 * - The mailing's row is locked because of a concurrent pause or cancel: either this claim sees it, or the command waits for this claim and sees the
 *   batch claimed. If the mailing were only read, both could miss each other: a pause completed while a batch is still sent leaves, once that batch
 *   is complete, a mailing without batches that no process completes.
 * - The status is read without a lock first: two claims of a mailing that has not begun would both hold the shared lock, and each would wait for the
 *   other.
 * - The scores of the error guard start at 0: `endBatch` has merged the scores of the last claim into the mailing's row.
 * - Rejected: `SELECT … FOR UPDATE SKIP LOCKED`. It needs MySQL 8 or MariaDB 10.6, and locks gaps of the index that batches move through when they
 *   complete. A random choice among the free batches avoids as many collisions.
 *
 * @returns false if the batch is not free any more, or its mailing may not be worked on.
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
