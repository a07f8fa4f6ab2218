import type { Session } from '../mailing.database.js';

/**
 * Claims a mailing that nobody works on.
 *
 * - Lock: the mailing's row; index: primary key.
 * - The guard is the state itself: of any number of claimers, in any number of processes, one changes the row. The
 *   token is new each time, so the row always changes and affected rows mean the same under both found-rows settings.
 * - Rejected: `SELECT … FOR UPDATE SKIP LOCKED`, which serves picking any of many rows; here the row is known, and the
 *   guarded update also works where the database can not skip.
 *
 * @returns true for the one who has it.
 */
export async function claimMailing(
  session: Session,
  mailingId: string,
  uniqServerId: string,
  claimToken: string,
): Promise<boolean> {
  const changed = await session.change(
    `UPDATE ${session.tables.mailing}
     SET status = 'in_progress', status_reason = NULL, claim_token = ?, beat = beat + 1,
         start_time = COALESCE(start_time, ${session.dialect.now})
     WHERE id = ? AND uniq_server_id = ? AND status = 'pending'`,
    [claimToken, mailingId, uniqServerId],
  );
  return changed === 1;
}
