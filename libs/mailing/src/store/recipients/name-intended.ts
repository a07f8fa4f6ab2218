import type { Session } from '../database/mailing.database.js';
import type { SqlPart } from '../database/progress-row.js';

/**
 * Sets rows of one table that are in flight because of `next_idx` to `sending`. Needed where `next_idx` can't tell any more which recipients are in
 * flight: one of them is handed back, or their run is dead. At most `maxInDoubt` rows; more after a failover that rewound the database.
 *
 * - Lock order: after the progress row; ranges of the primary key.
 * - The same transaction lowers `next_idx` to the first recipient that is not in flight.
 *
 * @param those condition on the `pending` rows that are in flight because of `next_idx`.
 * @returns how many rows were changed.
 */
export function nameIntended(session: Session, table: string, those: SqlPart): Promise<number> {
  return session.change(
    `UPDATE ${table} SET status = 'sending', changed_at = ${session.dialect.now} WHERE ${those.sql}`,
    those.parameters,
  );
}
