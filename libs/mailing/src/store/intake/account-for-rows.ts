import type { Session } from '../database/mailing.database.js';
import { findExisting } from '../database/find-existing.js';
import type { NumberedRecipient } from '../../model/ports/mailing.persister.js';
import { rowKeyOf } from './insert-recipients.js';

const COLUMN_OF = { emailAddress: 'address_key', userMailing: 'user_id' } as const;
type Table = keyof typeof COLUMN_OF;

/** The unique key of the recipient's row, prefixed with its table. */
export function keyOfRecipient(one: NumberedRecipient): string {
  if (one.kind === 'profile') return textOf('userMailing', one.userId);
  return textOf('emailAddress', rowKeyOf(one));
}

/**
 * Returns the keys of these recipients that are in the mailing already.
 *
 * - Index: the unique key `(mailing_id, address_key)` or `(mailing_id, user_id)`, one lookup per key.
 * - Locks nothing. The rows were written by this transaction or by earlier chunks, and do not change while the list is written.
 */
export async function findKeys(
  session: Session,
  mailingId: string,
  recipients: readonly NumberedRecipient[],
): Promise<Set<string>> {
  const found = new Set<string>();
  const find = async (table: Table, keys: string[]): Promise<void> => {
    if (keys.length === 0) return;
    const unique = { table: session.tables[table], columns: [COLUMN_OF[table]] };
    for (const [key] of await findExisting(session, mailingId, unique, keys)) found.add(textOf(table, key));
  };
  await find(
    'userMailing',
    recipients.flatMap((one) => (one.kind === 'profile' ? [one.userId] : [])),
  );
  await find(
    'emailAddress',
    recipients.flatMap((one) => (one.kind === 'profile' ? [] : [rowKeyOf(one)])),
  );
  return found;
}

/**
 * Whether each of these recipients has a row or is a duplicate of a recipient that has one. Called only if fewer rows were written than given: the
 * row count does not tell what else an insert dropped.
 *
 * - Index: a range of the primary key of each table, the idx range of one chunk; then `findKeys` for the recipients without a row.
 * - Rejected: the warnings of MySQL and MariaDB, which are cut off at 64 or 1,024, and which the other databases do not have; `RETURNING`, which
 *   every list would pay for.
 */
export async function areAllAccountedFor(
  session: Session,
  mailingId: string,
  recipients: readonly NumberedRecipient[],
): Promise<boolean> {
  const indexes = recipients.map(({ idx }) => idx);
  const range = [mailingId, Math.min(...indexes), Math.max(...indexes)];
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
  return unwritten.every((one) => known.has(keyOfRecipient(one)));
}

function textOf(table: Table, key: string): string {
  return `${table} ${key}`;
}
