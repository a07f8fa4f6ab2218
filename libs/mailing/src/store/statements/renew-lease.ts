import type { Session } from '../mailing.database.js';

/**
 * Renews the lease of this incarnation, by the database's clock.
 *
 * - Lock: the server's row; index: primary key.
 * - Under the changed-rows setting a renewal within the same millisecond changes nothing, so zero rows is followed by a
 *   look: only a row that is gone, or somebody else's, means that the lease is lost.
 *
 * @returns false if somebody declared this incarnation dead.
 */
export async function renewLease(
  session: Session,
  uniqServerId: string,
  incarnation: string,
): Promise<boolean> {
  const { mailServer } = session.tables;
  const changed = await session.change(
    `UPDATE ${mailServer} SET last_updated = ${session.dialect.now} WHERE uniq_server_id = ? AND incarnation = ?`,
    [uniqServerId, incarnation],
  );
  if (changed === 1) return true;
  const rows = await session.rows(
    `SELECT 1 FROM ${mailServer} WHERE uniq_server_id = ? AND incarnation = ?`,
    [uniqServerId, incarnation],
  );
  return rows.length === 1;
}
