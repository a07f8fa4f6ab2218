import type { Session } from '../database/mailing.database.js';
import { OWN_COLUMNS, ownValues, type ServerIdentity } from './server-identity.js';

/**
 * Takes the id over from a dead incarnation of the same server.
 *
 * - Lock: the server's row; index: primary key.
 * - The guard names the incarnation that was judged dead. A death by lease is judged again in the same statement, by the database's clock: a
 *   heartbeat that came in between wins.
 *
 * @param isKnownDead the process is known to be dead (its pid is gone, if pids can be compared), whatever its lease says.
 */
export async function replaceServer(
  session: Session,
  me: ServerIdentity,
  deadIncarnation: string,
  isKnownDead: boolean,
  leaseMs: number,
): Promise<boolean> {
  const { now, agoMs } = session.dialect;
  const changed = await session.change(
    `UPDATE ${session.tables.mailServer}
     SET ${OWN_COLUMNS.map((column) => `${column} = ?`).join(', ')}, started_at = ${now}, last_updated = ${now}
     WHERE uniq_server_id = ? AND incarnation = ? AND (? = 1 OR last_updated < ${agoMs})`,
    [...ownValues(me), me.uniqServerId, deadIncarnation, isKnownDead ? 1 : 0, leaseMs],
  );
  return changed === 1;
}
