import type { Inserted, Session } from '../database/mailing.database.js';

/**
 * Inserts parts of a file that are not stored yet.
 *
 * - Lock order: a transaction of its own; parts in order of the primary key `(hash, part)`, so two writers of one file do not deadlock.
 * - Rows never change, so repeating is idempotent. The caller checks that only known parts were dropped.
 *
 * @param first number of the first of these parts.
 */
export function insertParts(
  session: Session,
  hash: string,
  first: number,
  parts: readonly string[],
): Promise<Inserted> {
  return session.insert(
    session.dialect.insertIgnore(
      `${session.tables.mailAttachment} (hash, part, content)`,
      parts.map(() => '(?, ?, ?)').join(', '),
    ),
    parts.flatMap((part, n) => [hash, first + n, part]),
  );
}
