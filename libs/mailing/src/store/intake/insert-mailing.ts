import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';

/**
 * Inserts a mailing in state `loading`.
 *
 * - Two mailings with one idempotency key: the unique index decides, and the second gets a duplicate-key error.
 *
 * @param columns values of the other columns, by name.
 */
export function insertMailing(
  session: Session,
  mailingId: string,
  columns: Record<string, unknown>,
): Promise<number> {
  const values = Object.values(columns);
  return session.change(
    `INSERT INTO ${session.tables.mailing} (id, status, created_at, ${Object.keys(columns).join(', ')})
     VALUES (?, 'loading', ${session.dialect.now}, ${placeholders(values)})`,
    [mailingId, ...values],
  );
}
