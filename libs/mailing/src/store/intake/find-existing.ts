import type { Session } from '../database/mailing.database.js';
import { inChunks, placeholders } from '../database/placeholders.js';

/** `eq_range_index_dive_limit` is 200 by default. */
const KEYS_PER_STATEMENT_OF_INNODB = 190;
/** SQLite takes 32,766 parameters. */
const KEYS_PER_STATEMENT = 10_000;

/** A unique key of a table, behind its `mailing_id`. */
export interface UniqueKey {
  table: string;
  /** In the order of the index. */
  columns: readonly string[];
}

/**
 * The keys that a mailing has in a table, of those whose first column is one of these; the caller compares the whole, because a collation may
 * pad or fold.
 *
 * - Index: the unique one, a look for each key. MySQL and MariaDB look into the index for fewer than 200 values and go by old statistics
 *   beyond, and then read the whole mailing. PostgreSQL, which takes a mailing that it has not seen yet for one row, reads all of it in
 *   any case, a third of a second for a million, until its statistics are refreshed (`TemplateEmailPersister`).
 * - Rejected: a subquery for each key. PostgreSQL may then read the whole mailing for each of them.
 */
export async function findExisting(
  session: Session,
  mailingId: string,
  { table, columns }: UniqueKey,
  firstColumns: readonly string[],
): Promise<string[][]> {
  const found: string[][] = [];
  const atATime = session.dialect.name === 'mysql' ? KEYS_PER_STATEMENT_OF_INNODB : KEYS_PER_STATEMENT;
  const find = async (chunk: string[]): Promise<number> => {
    const rows = await session.rows<Record<string, string>>(
      `SELECT ${columns.join(', ')} FROM ${table} WHERE mailing_id = ? AND ${columns[0]} IN (${placeholders(chunk)})`,
      [mailingId, ...chunk],
    );
    found.push(...rows.map((row) => columns.map((column) => row[column])));
    return rows.length;
  };
  await inChunks([...new Set(firstColumns)], find, atATime);
  return found;
}
