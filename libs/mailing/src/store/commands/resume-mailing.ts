import type { Session } from '../database/mailing.database.js';

/**
 * Resumes a paused mailing, and lets an overdue one start after all.
 *
 * - Lock: the mailing's row; index: primary key. Of twenty simultaneous callers, one changes the state. `claimMailing` then decides which process
 *   works on it.
 * - A mailing without a run moves to `toServerId`, so that it continues at once even if its owner is gone. `uniq_server_id` is assigned before
 *   `status`, because MySQL evaluates assignments from left to right and later ones would see the new status.
 * - A pause that is not reached yet is called off. If the run has seen it already, it releases the claim, and the same server claims the mailing
 *   again.
 * - The scores of the error guard are set to 0: it starts anew, with its full tolerance. For this, a run that has seen the pause writes 0 too
 *   (`MailingLedger`). A batch that makes no commit between pause and resume knows of neither, and keeps its scores.
 *
 * @param toServerId null: the mailing stays where it is.
 */
export async function resumeMailing(
  session: Session,
  mailingId: string,
  toServerId: string | null,
): Promise<void> {
  await session.change(
    `UPDATE ${session.tables.mailing}
     SET uniq_server_id = CASE WHEN status IN ('paused', 'pending') THEN COALESCE(?, uniq_server_id) ELSE uniq_server_id END,
       do_not_start_after = CASE WHEN do_not_start_after < ${session.dialect.now} THEN NULL ELSE do_not_start_after END,
       status_reason = NULL, suspect_score = 0, failure_score = 0,
       status = CASE status WHEN 'paused' THEN 'pending' WHEN 'pausing' THEN 'in_progress' ELSE status END
     WHERE id = ? AND (status IN ('paused', 'pausing') OR (status IN ('loading', 'pending') AND status_reason IS NOT NULL))`,
    [toServerId, mailingId],
  );
}
