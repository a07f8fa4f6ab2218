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

/** Which database server this session is on, and its clock in milliseconds since 1970. */
export async function readServer(session: Session): Promise<{ server: string; now: number }> {
  const { dialect } = session;
  const [row] = await session.rows<{ server: string; at_ms: number | string }>(
    `SELECT ${dialect.server} AS server, ${dialect.epochMs(dialect.now)} AS at_ms`,
  );
  return { server: row.server, now: Number(row.at_ms) };
}

/** How many other servers of ours have had no heartbeat since that moment; there are as many rows as servers. */
export async function countSilent(session: Session, uniqServerId: string, since: number): Promise<number> {
  const { dialect, tables } = session;
  const [row] = await session.rows<{ count: number | string }>(
    `SELECT COUNT(*) AS count FROM ${tables.mailServer}
     WHERE uniq_server_id <> ? AND ${dialect.epochMs('last_updated')} < ?`,
    [uniqServerId, since],
  );
  return Number(row.count);
}
