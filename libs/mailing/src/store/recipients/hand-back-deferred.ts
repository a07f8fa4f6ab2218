import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';

/**
 * Hands back recipients that were at a further attempt: they are due again at once, and no attempt is counted.
 *
 * @returns how many rows were handed back.
 */
export function handBackDeferred(
  session: Session,
  table: string,
  mailingId: string,
  indexes: number[],
): Promise<number> {
  return session.change(
    `UPDATE ${table} SET status = 'deferred', changed_at = ${session.dialect.now},
       next_attempt_at = ${session.dialect.now}
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = 'sending'`,
    [mailingId, ...indexes],
  );
}
