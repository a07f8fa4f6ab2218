import type { MailingDatabase, Session } from '../database/mailing.database.js';

/** The server of which mailings were moved has a row again. */
class CameBack extends Error {}

/**
 * Makes a move of mailings of a server that has no row, and undoes it if the server came back meanwhile.
 *
 * - `NOT EXISTS` in the move itself keeps nobody from registering: MySQL locks the gap where the row would be, but
 *   PostgreSQL judges it by what was committed when the statement began, and then may wait for a mailing that the server,
 *   back by now, has just claimed.
 * - Looking again after the move closes that: who registers later than this look finds the moved rows locked, and no longer
 *   his own when they are free. Who registered before is seen.
 * - Index: primary key; only where something moved.
 * - Rejected: locking the table of servers, which holds up every heartbeat for as long as one mailing is locked.
 *
 * @returns how many moved.
 */
export async function adoptIfStillDead(
  database: MailingDatabase,
  serverId: string,
  move: (session: Session) => Promise<number>,
): Promise<number> {
  try {
    return await database.transaction(async (session) => {
      const moved = await move(session);
      if (moved > 0 && (await hasRow(session, serverId))) throw new CameBack();
      return moved;
    });
  } catch (error) {
    if (error instanceof CameBack) return 0;
    throw error;
  }
}

async function hasRow(session: Session, serverId: string): Promise<boolean> {
  const rows = await session.rows(`SELECT 1 FROM ${session.tables.mailServer} WHERE uniq_server_id = ?`, [
    serverId,
  ]);
  return rows.length > 0;
}
