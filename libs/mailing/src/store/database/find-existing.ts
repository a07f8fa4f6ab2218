import type { Session } from './mailing.database.js';
import { inChunks, placeholders } from './placeholders.js';

/** `eq_range_index_dive_limit` is 200 by default. */
const KEYS_PER_STATEMENT_OF_INNODB = 190;
/** SQLite takes 32,766 parameters. */
const KEYS_PER_STATEMENT = 10_000;

/** A unique key of a table, without its leading `mailing_id`. */
export interface UniqueKey {
  table: string;
  /** In the order of the index. */
  columns: readonly string[];
}

/**
 * Finds the unique keys of a mailing in a table whose first column is one of `firstColumns`. The caller compares whole keys, because a collation may
 * pad or fold.
 *
 * - Index: the unique one, one lookup per key. MySQL and MariaDB look into the index for fewer than 200 values; for more they use old statistics and
 *   then read the whole mailing. PostgreSQL estimates a mailing that it has not analyzed yet at one row, and reads all of it in any case, a third of
 *   a second for a million rows, until its statistics are refreshed (`TemplateEmailPersister`).
 * - Rejected: a subquery per key. PostgreSQL may then read the whole mailing for each key.
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
