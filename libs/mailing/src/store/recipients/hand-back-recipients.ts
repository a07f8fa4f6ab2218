import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';

/**
 * Hands recipients back untouched: their rows are `sending`, and it is proven that nothing was handed over.
 *
 * - Lock order: after the progress row (`fenceCommit`); index: primary key.
 * - `fenceCommit` has just written a `low_water_idx` that is not above the lowest of them. The `next_idx` that it wrote may be above them; it is
 *   corrected before the transaction commits (`moveIntent`).
 *
 * @returns how many rows were handed back.
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
