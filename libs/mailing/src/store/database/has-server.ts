import type { Session } from './mailing.database.js';

/** Whether a server of this id is registered, live or not; index: primary key. */
export async function hasServer(session: Session, uniqServerId: string): Promise<boolean> {
  const rows = await session.rows(`SELECT 1 FROM ${session.tables.mailServer} WHERE uniq_server_id = ?`, [
    uniqServerId,
  ]);
  return rows.length > 0;
}
