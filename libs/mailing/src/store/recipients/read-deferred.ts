import { COLUMNS_OF, type Found, type FoundRow, toFound } from './found-recipient.js';
import type { Session } from '../database/mailing.database.js';
import type { RecipientTable } from './open-recipient.js';
import { placeholders } from '../database/placeholders.js';

/** Reads deferred recipients of one table by idx; index: primary key. */
export async function readDeferred(
  session: Session,
  source: RecipientTable,
  mailingId: string,
  indexes: number[],
): Promise<Found[]> {
  const rows = await session.rows<FoundRow>(
    `SELECT ${COLUMNS_OF[source]} FROM ${session.tables[source]}
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = 'deferred'`,
    [mailingId, ...indexes],
  );
  return rows.map((row) => toFound(source, row));
}
