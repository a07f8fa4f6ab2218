import type { Session } from '../database/mailing.database.js';
import { inChunks, placeholders } from '../database/placeholders.js';

const KEYS_PER_STATEMENT = 1_000;

/** Those of these address keys that are on the suppression list; index: primary key, one statement per 1,000 keys. */
export async function findSuppressedKeys(session: Session, keys: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>();
  const find = async (chunk: string[]): Promise<number> => {
    const rows = await session.rows<{ address_key: string }>(
      `SELECT address_key FROM ${session.tables.mailSuppression} WHERE address_key IN (${placeholders(chunk)})`,
      chunk,
    );
    for (const row of rows) found.add(row.address_key);
    return rows.length;
  };
  await inChunks(keys, find, KEYS_PER_STATEMENT);
  return found;
}
