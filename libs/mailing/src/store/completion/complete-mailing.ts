import type { Session } from '../database/mailing.database.js';
import { NUM_SETTLED } from '../database/progress-row.js';

/**
 * Completes a mailing whose last recipient is settled, inside the commit that settled it.
 *
 * - Lock: the mailing's row, held since `fenceCommit`, or, if the commit ends a batch, since `endBatch`.
 * - The sum in the `WHERE` keeps the promise: a mailing whose counters do not add up to its recipients is never completed.
 *
 * @returns false if a recipient is not settled yet.
 */
export async function completeMailing(session: Session, mailingId: string): Promise<boolean> {
  const changed = await session.change(
    `UPDATE ${session.tables.mailing}
     SET status = 'completed', status_reason = NULL, end_time = ${session.dialect.now}, claim_token = NULL
     WHERE id = ? AND status IN ('in_progress', 'pausing', 'canceling')
       AND ${NUM_SETTLED} = num_profiles`,
    [mailingId],
  );
  return changed === 1;
}
