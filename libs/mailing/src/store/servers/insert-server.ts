import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';
import { OWN_COLUMNS, ownValues, type ServerIdentity } from './server-identity.js';

/**
 * Registers a server id that no process has.
 *
 * - The primary key decides between two processes that start at the same moment: the second gets a duplicate-key error.
 */
export async function insertServer(session: Session, me: ServerIdentity): Promise<void> {
  const { now } = session.dialect;
  await session.change(
    `INSERT INTO ${session.tables.mailServer}
       (uniq_server_id, ${OWN_COLUMNS.join(', ')}, started_at, last_updated)
     VALUES (?, ${placeholders(OWN_COLUMNS)}, ${now}, ${now})`,
    [me.uniqServerId, ...ownValues(me)],
  );
}
