import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';

/**
 * Writes the intent for another attempt into the rows, because these recipients may have any idx.
 *
 * - Lock order: after the progress row; recipients before their rows in `dps_mail_deferred`.
 * - The rows in `dps_mail_deferred` stay, without a time, until the recipients are settled: recovery finds by them recipients with an idx below
 *   `low_water_idx`.
 * - Rejected: lowering `low_water_idx` to them. One recipient deferred at the head of a long list would make every recovery read the list.
 *
 * @returns how many rows were marked.
 */
export function markDue(
  session: Session,
  table: string,
  mailingId: string,
  indexes: number[],
): Promise<number> {
  return session.change(
    `UPDATE ${table} SET status = 'sending', changed_at = ${session.dialect.now}, next_attempt_at = NULL
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = 'deferred'`,
    [mailingId, ...indexes],
  );
}
