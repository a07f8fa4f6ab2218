import type { Session } from '../database/mailing.database.js';

/**
 * Renews the lease of this incarnation, by the database's clock.
 *
 * - Lock: the server's row; index: primary key.
 * - Under the changed-rows setting a renewal within the same millisecond changes nothing. So after zero rows the row is read: only if it is gone, or
 *   shows another incarnation, is the lease lost. If the row is there, it is renewed again, because a node that lags behind may have received it
 *   between the two statements.
 *
 * @returns false if this incarnation was declared dead.
 */
export async function renewLease(
  session: Session,
  uniqServerId: string,
  incarnation: string,
): Promise<boolean> {
  const { mailServer } = session.tables;
  const renew = (): Promise<number> =>
    session.change(
      `UPDATE ${mailServer} SET last_updated = ${session.dialect.now} WHERE uniq_server_id = ? AND incarnation = ?`,
      [uniqServerId, incarnation],
    );
  if ((await renew()) === 1) return true;
  const rows = await session.rows(
    `SELECT 1 FROM ${mailServer} WHERE uniq_server_id = ? AND incarnation = ?`,
    [uniqServerId, incarnation],
  );
  if (rows.length === 0) return false;
  await renew();
  return true;
}
