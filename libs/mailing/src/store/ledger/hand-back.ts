import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';

/**
 * Hands recipients back untouched: their rows say `sending`, and it is proven that nothing was handed over.
 *
 * - Lock order: after the mailing's row (`fenceCommit`); index: primary key.
 * - `low_water_idx`, which `fenceCommit` has just written, stands at or below the lowest of them already; `next_idx` may be foreseen beyond, and
 *   is set before the commit.
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
