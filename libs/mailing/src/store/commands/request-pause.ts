import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import type { Session } from '../database/mailing.database.js';

/**
 * Asks for a pause: reached at once where nobody works on the mailing, carried out by its run otherwise.
 *
 * - Lock: the mailing's row; index: primary key. A run that commits at this moment has the row and is waited for, or finds
 *   the order in its next commit.
 * - `commit_seq` is left alone: it is how the claim holder recognizes its own commits, and an order is not one.
 * - The reason is written in every state, so that a mailing which the plugin had paused for the transport does not go on
 *   by itself after a person has paused it too; in `loading` it is the mark that `finishList` looks for.
 * - Rejected: one statement for each state. Between two of them the state can change, and the order would be lost.
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
