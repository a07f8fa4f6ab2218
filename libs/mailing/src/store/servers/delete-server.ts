import type { Session } from '../database/mailing.database.js';

/**
 * Removes the row of a server that ends in order.
 *
 * - Lock: the server's row; index: primary key.
 * - The guard names the incarnation, so a successor that has taken the id over keeps its row.
 */
export function deleteServer(session: Session, uniqServerId: string, incarnation: string): Promise<number> {
  return session.change(
    `DELETE FROM ${session.tables.mailServer} WHERE uniq_server_id = ? AND incarnation = ?`,
    [uniqServerId, incarnation],
  );
}
