import type { Session } from '../mailing.database.js';
import { placeholders } from './placeholders.js';

/**
 * Hands recipients back untouched: their rows say `sending`, and it is proven that nothing was handed over.
 *
 * - Lock order: after the mailing's row (`fenceBeat`); index: primary key.
 * - `settled_idx` and `next_idx`, which `fenceBeat` has just written, already stand at or below the lowest of them.
 *
 * @returns how many rows went back.
 */
export function handBack(
  session: Session,
  table: string,
  mailingId: string,
  indexes: number[],
): Promise<number> {
  return session.change(
    `UPDATE ${table} SET status = 'pending', changed_at = ${session.dialect.now}
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = 'sending'`,
    [mailingId, ...indexes],
  );
}
