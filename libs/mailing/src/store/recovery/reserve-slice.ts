import type { Session } from '../database/mailing.database.js';
import { type ForgottenSlice, showsAsRead } from './forgotten-slice.js';
import { progressRowOf } from '../database/progress-row.js';

/**
 * Reserves a slice of which the database has forgotten commits for the process that made them. The row shows a claim of that process again, under the
 * older number, so no other process claims the slice before it is restored. A run that works on the slice still finds its commit number gone.
 *
 * - Lock: the progress row; index: primary key.
 * - The guard is the number and the token that were read.
 * - Rejected: restoring the slice at once. The first heartbeat, for which other processes wait, would have to wait for the rows of all recipients.
 *
 * @param claimToken of this process.
 */
export async function reserveSlice(
  session: Session,
  { memory, seen, uniqServerId, claimToken }: ForgottenSlice,
): Promise<boolean> {
  const { batch } = memory.slice;
  const progress = progressRowOf(session, memory.slice);
  const [from, to] = batch ? [`'free', 'claimed'`, 'claimed'] : [`'pending', 'in_progress'`, 'in_progress'];
  const asRead = showsAsRead(seen);
  const changed = await session.change(
    `UPDATE ${progress.table} SET status = '${to}', claim_token = ?, uniq_server_id = ?
     WHERE ${progress.sql} AND ${asRead.sql} AND status IN (${from})`,
    [claimToken, uniqServerId, ...progress.parameters, ...asRead.parameters],
  );
  return changed === 1;
}
