import type { Session } from '../database/mailing.database.js';
import { progressRowOf } from '../database/progress-row.js';
import { provesLife } from '../database/proves-life.js';
import type { DeadClaim } from './dead-claim.js';

/**
 * Replaces the claim of a dead run, as the first statement of its recovery.
 *
 * - Lock: the progress row; index: primary key.
 * - The guard is the token that was judged dead: of two recoverers, one changes the row, and only if it is the live incarnation of its server
 *   (`provesLife`). A mailing is recovered by the server that owns it, a batch by any server.
 */
export async function takeFromDead(
  session: Session,
  { slice, uniqServerId, deadToken, claimToken }: DeadClaim,
): Promise<boolean> {
  const progress = progressRowOf(session, slice);
  const life = provesLife(session, uniqServerId, claimToken);
  const guard = slice.batch
    ? { sql: `status = 'claimed'`, parameters: [] }
    : {
        sql: `status IN ('in_progress', 'pausing', 'canceling') AND uniq_server_id = ?`,
        parameters: [uniqServerId],
      };
  const taken = await session.change(
    `UPDATE ${progress.table} SET claim_token = ?, uniq_server_id = ?, commit_seq = commit_seq + 1, last_commit_at = ${session.dialect.now}
     WHERE ${progress.sql} AND claim_token = ? AND ${guard.sql} AND ${life.sql}`,
    [claimToken, uniqServerId, ...progress.parameters, deadToken, ...guard.parameters, ...life.parameters],
  );
  return taken === 1;
}
