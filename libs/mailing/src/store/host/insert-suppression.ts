import type { Inserted, Session } from '../database/mailing.database.js';

/**
 * Inserts an address into the suppression list.
 *
 * - The primary key decides between two callers, so the first reason of an address stays.
 */
export function insertSuppression(
  session: Session,
  addressKey: string,
  address: string,
  reason: string,
): Promise<Inserted> {
  return session.insert(
    session.dialect.insertIgnore(
      `${session.tables.mailSuppression} (address_key, address, reason, created_at)`,
      `(?, ?, ?, ${session.dialect.now})`,
    ),
    [addressKey, address, reason],
  );
}
