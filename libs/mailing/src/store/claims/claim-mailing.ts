import type { Session } from '../database/mailing.database.js';
import { isDue } from './is-due.js';
import { provesLife } from '../database/proves-life.js';

/**
 * Claims a mailing that has no claim and is not split into batches.
 *
 * - Lock: the mailing's row; index: primary key.
 * - The guard is the state itself: of any number of claimers in any number of processes, exactly one changes the row. The token is new each time, so
 *   the row always changes, and the number of affected rows means the same under both found-rows settings.
 * - `scheduled_at` and `do_not_start_after` apply to the first start only. They are judged here, by the database's clock, not by the clock of the
 *   claimer.
 * - The same statement requires that the claimer's incarnation is live (`provesLife`): a process that was suspended while it looked for work may have
 *   lost everything when it continues.
 * - Rejected: `SELECT … FOR UPDATE SKIP LOCKED`. It serves to pick one of many rows; here the row is known, and the guarded update also works where
 *   the database has no `SKIP LOCKED`.
 *
 * @returns true if this caller has the claim.
 */
export async function claimMailing(
  session: Session,
  mailingId: string,
  uniqServerId: string,
  claimToken: string,
): Promise<boolean> {
  const life = provesLife(session, uniqServerId, claimToken);
  const changed = await session.change(
    `UPDATE ${session.tables.mailing}
     SET status = 'in_progress', status_reason = NULL, claim_token = ?, commit_seq = commit_seq + 1,
         last_commit_at = ${session.dialect.now}, start_time = COALESCE(start_time, ${session.dialect.now})
     WHERE id = ? AND uniq_server_id = ? AND status = 'pending' AND is_batched = FALSE
       AND ${isDue(session)} AND ${life.sql}`,
    [claimToken, mailingId, uniqServerId, ...life.parameters],
  );
  return changed === 1;
}
