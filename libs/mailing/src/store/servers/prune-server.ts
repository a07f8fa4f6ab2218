import type { Session } from '../database/mailing.database.js';

/**
 * Removes a dead server of another id.
 *
 * - Lock: the server's row; index: primary key.
 * - The guards are those of `replaceServer`, so a heartbeat that came in between wins.
 *
 * @param isKnownDead as for `replaceServer`.
 */
export async function pruneServer(
  session: Session,
  uniqServerId: string,
  deadIncarnation: string,
  isKnownDead: boolean,
  leaseMs: number,
): Promise<boolean> {
  const changed = await session.change(
    `DELETE FROM ${session.tables.mailServer}
     WHERE uniq_server_id = ? AND incarnation = ? AND (? = 1 OR last_updated < ${session.dialect.agoMs})`,
    [uniqServerId, deadIncarnation, isKnownDead ? 1 : 0, leaseMs],
  );
  return changed === 1;
}
