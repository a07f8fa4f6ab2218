import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import type { Session } from '../database/mailing.database.js';

/** Mailings with these states have nothing in flight, so there is nothing to wait for. */
const IDLE = `('loading', 'pending', 'paused')`;

/**
 * Requests a cancel: reached at once where nothing is in flight, carried out by the mailing's run otherwise.
 *
 * - Lock: the mailing's row; index: primary key. `commit_seq` is not changed, as for a pause.
 * - Needs only the database. It also works if the mail server is down, the template is gone, or the list is still being written (its writer finds
 *   that its claim token is gone, and stops).
 * - `status` comes last: MySQL evaluates assignments from left to right, and the others read the old status.
 */
export async function requestCancel(session: Session, mailingId: string): Promise<void> {
  await session.change(
    `UPDATE ${session.tables.mailing}
     SET end_time = CASE WHEN status IN ${IDLE} THEN ${session.dialect.now} ELSE end_time END,
       claim_token = CASE WHEN status IN ${IDLE} THEN NULL ELSE claim_token END,
       status_reason = ?,
       status = CASE WHEN status IN ${IDLE} THEN 'canceled' ELSE 'canceling' END
     WHERE id = ? AND status IN ('loading', 'pending', 'paused', 'in_progress', 'pausing')`,
    [PAUSE_REASONS.request, mailingId],
  );
}
