import { hasServer } from '../database/has-server.js';
import type { MailingDatabase, Session } from '../database/mailing.database.js';

/** The server whose mailings were moved has registered again. */
class CameBack extends Error {}

/**
 * Moves mailings of a server that has no row, and rolls the move back if that server has registered meanwhile.
 *
 * - `NOT EXISTS` in the move itself does not prevent a registration. MySQL locks the gap where the row would be. PostgreSQL judges the condition by
 *   what was committed when the statement began, and the statement may then wait for a mailing that the server, registered again, has just claimed.
 * - So the row is read again after the move. A server that registered before this read is seen. A server that registers later finds the moved rows
 *   locked; once they are unlocked, they belong to another server.
 * - Index: primary key; the row is read only if a mailing was moved.
 * - Rejected: locking the table of servers. One locked mailing would hold up every heartbeat for as long as it is locked.
 *
 * @returns how many mailings were moved.
 */
export async function adoptIfStillDead(
  database: MailingDatabase,
  serverId: string,
  move: (session: Session) => Promise<number>,
): Promise<number> {
  try {
    return await database.transaction(async (session) => {
      const moved = await move(session);
      if (moved > 0 && (await hasServer(session, serverId))) throw new CameBack();
      return moved;
    });
  } catch (error) {
    if (error instanceof CameBack) return 0;
    throw error;
  }
}
