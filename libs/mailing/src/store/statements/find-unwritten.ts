import type { Session } from '../mailing.database.js';
import type { NumberedRecipient } from './insert-recipients.js';
import { inChunks, placeholders } from './placeholders.js';

/** What makes an entry a duplicate: null for one that is none of anything. */
export interface RecipientKey {
  table: 'emailAddress' | 'userMailing';
  key: string;
}

export function keyOfRecipient(one: NumberedRecipient): RecipientKey | null {
  if (one.kind === 'invalid') return null;
  if (one.kind === 'profile') return { table: 'userMailing', key: one.userId };
  return { table: 'emailAddress', key: one.key };
}

const COLUMN_OF = { emailAddress: 'address_key', userMailing: 'user_id' };

/**
 * The keys of these recipients that the mailing has by now, each in one text with its table.
 *
 * - Index: the unique key `(mailing_id, address_key)` or `(mailing_id, user_id)`, a look for each key.
 * - They are compared here once more: in a table whose collation pads or folds, the database finds `x` for `x `.
 */
export async function findKeys(
  session: Session,
  mailingId: string,
  recipients: readonly NumberedRecipient[],
): Promise<Set<string>> {
  const found = new Set<string>();
  for (const table of ['emailAddress', 'userMailing'] as const) {
    const keys = recipients.map(keyOfRecipient).filter((one) => one?.table === table);
    await inChunks([...new Set(keys.map((one) => one!.key))], async (chunk) => {
      const rows = await session.rows<{ found_key: string }>(
        `SELECT ${COLUMN_OF[table]} AS found_key FROM ${session.tables[table]}
         WHERE mailing_id = ? AND ${COLUMN_OF[table]} IN (${placeholders(chunk)})`,
        [mailingId, ...chunk],
      );
      for (const row of rows) found.add(textOf({ table, key: row.found_key }));
      return rows.length;
    });
  }
  return found;
}

/** One text of a key and its table. */
export function textOf({ table, key }: RecipientKey): string {
  return `${table} ${key}`;
}

/**
 * Whether each of these recipients either has its row or is a duplicate of one that has. Asked only where fewer rows were written than
 * given: what else an insert may have left out is in nobody's count.
 *
 * - Index: a range of the primary key of each table, the places of one chunk; then `findKeys` about those without a row.
 * - Locks nothing; the rows are those of this transaction, or of chunks before it, which never change while the list is written.
 * - Rejected: the warnings of MySQL and MariaDB, which are cut at 64 or 1,024, and which the others do not have.
 */
export async function areAllAccountedFor(
  session: Session,
  mailingId: string,
  recipients: readonly NumberedRecipient[],
): Promise<boolean> {
  const places = recipients.map(({ idx }) => idx);
  const range = [mailingId, Math.min(...places), Math.max(...places)];
  const written = new Set<number>();
  for (const table of [session.tables.emailAddress, session.tables.userMailing]) {
    const rows = await session.rows<{ idx: number }>(
      `SELECT idx FROM ${table} WHERE mailing_id = ? AND idx >= ? AND idx <= ?`,
      range,
    );
    for (const row of rows) written.add(Number(row.idx));
  }
  const unwritten = recipients.filter(({ idx }) => !written.has(idx));
  const known = await findKeys(session, mailingId, unwritten);
  return unwritten.every((one) => {
    const key = keyOfRecipient(one);
    return key !== null && known.has(textOf(key));
  });
}
