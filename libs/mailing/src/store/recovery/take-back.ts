import type { Session } from '../database/mailing.database.js';
import { progressRowOf } from '../database/progress-row.js';
import { provesLife } from '../database/proves-life.js';
import { type ForgottenSlice, showsAsRead, stateOf } from './forgotten-slice.js';

/**
 * Claims a slice of which the database has forgotten commits again, as the first statement of `restoreCommits`.
 *
 * - Lock: the progress row; index: primary key.
 * - The guard is the number and the token that were read, a status in which the slice is open, and a live incarnation (`provesLife`).
 * - The new number is higher than that of the row and that of the memory.
 */
export async function takeBack(session: Session, forgotten: ForgottenSlice): Promise<boolean> {
  const { memory, seen, uniqServerId, claimToken } = forgotten;
  const progress = progressRowOf(session, memory.slice);
  const life = provesLife(session, uniqServerId, claimToken);
  const asRead = showsAsRead(seen);
  const { sql: state, open } = stateOf(memory.slice);
  const taken = await session.change(
    `UPDATE ${progress.table} SET ${state}, claim_token = ?, uniq_server_id = ?, commit_seq = ?, last_commit_at = ${session.dialect.now}
     WHERE ${progress.sql} AND ${asRead.sql} AND status IN (${open}) AND ${life.sql}`,
    [
      claimToken,
      uniqServerId,
      Math.max(seen.number, memory.number) + 1,
      ...progress.parameters,
      ...asRead.parameters,
      ...life.parameters,
    ],
  );
  return taken === 1;
}
