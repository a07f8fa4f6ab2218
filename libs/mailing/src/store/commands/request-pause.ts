import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import type { Session } from '../database/mailing.database.js';

/**
 * Requests a pause: reached at once if no process works on the mailing, carried out by its run otherwise.
 *
 * - Lock: the mailing's row; index: primary key. If the run is committing, this statement waits for that commit; the run finds the command in the
 *   next one.
 * - `commit_seq` is not changed: the claim holder recognizes its own commits by it, and a command is not one.
 * - The reason is written in every state. So a mailing that the plugin had paused for the transport does not resume by itself after a person has
 *   paused it too. In `loading` the reason is the mark that `finishList` looks for.
 * - Rejected: one statement for each state. The state can change between two of them, and the command would be lost.
 */
export async function requestPause(session: Session, mailingId: string): Promise<void> {
  await session.change(
    `UPDATE ${session.tables.mailing}
     SET status = CASE status WHEN 'pending' THEN 'paused' WHEN 'in_progress' THEN 'pausing' ELSE status END,
       status_reason = ?
     WHERE id = ? AND status IN ('loading', 'pending', 'in_progress', 'pausing', 'paused')`,
    [PAUSE_REASONS.request, mailingId],
  );
}
