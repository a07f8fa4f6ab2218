import type { Session } from '../database/mailing.database.js';

/**
 * Lets a paused mailing go on, and begins an overdue one after all.
 *
 * - Lock: the mailing's row; index: primary key. Of twenty callers at the same moment one changes the state; who then
 *   works on it is settled by `claimMailing`.
 * - A mailing that nobody works on moves to the server that was asked, so that it goes on at once even if its owner is
 *   gone. `uniq_server_id` is assigned before `status`, because MySQL evaluates assignments from left to right and later
 *   ones would see the new status.
 * - A pause that is not reached yet is called off; the run may have seen it and will then hand the claim back, to be taken
 *   up again by the same server.
 * - The scores of the error guard begin anew: it looks again, with the whole of its patience. So a run that has seen the pause leaves 0 behind
 *   (`MailingLedger`). A batch that makes no commit between pause and resume knows of neither, and goes on with what it has.
 *
 * @param toServerId null: it stays where it is.
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
