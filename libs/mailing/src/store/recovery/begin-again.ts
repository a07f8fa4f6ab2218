import type { Session } from '../database/mailing.database.js';

/**
 * Starts a mailing whose start the database has forgotten. The first claim of a mailing starts it, and that commit may be forgotten too. A batch can
 * not complete a mailing that is not started, and a mailing without a start time may count as overdue.
 *
 * - Lock: the mailing's row, of a batch after its own; index: primary key.
 */
export function beginAgain(session: Session, mailingId: string): Promise<number> {
  return session.change(
    `UPDATE ${session.tables.mailing}
     SET status_reason = CASE status WHEN 'pending' THEN NULL ELSE status_reason END,
       status = CASE status WHEN 'pending' THEN 'in_progress' ELSE status END,
       start_time = COALESCE(start_time, ${session.dialect.now})
     WHERE id = ? AND (start_time IS NULL OR status = 'pending')`,
    [mailingId],
  );
}
