import type { Session } from '../database/mailing.database.js';

/** Deletes an address from the suppression list; index: primary key. */
export function deleteSuppression(session: Session, addressKey: string): Promise<number> {
  return session.change(`DELETE FROM ${session.tables.mailSuppression} WHERE address_key = ?`, [addressKey]);
}
