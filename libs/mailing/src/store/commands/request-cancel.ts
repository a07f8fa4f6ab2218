import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import type { Session } from '../database/mailing.database.js';

/** Nothing is in flight in these, so there is nothing to wait for. */
const IDLE = `('loading', 'pending', 'paused')`;

/**
 * Asks for the end: reached at once where nothing is in flight, carried out by the mailing's run otherwise.
 *
 * - Lock: the mailing's row; index: primary key. `commit_seq` is left alone, as for a pause.
 * - Needs nothing but the database: a mail server that is down, a template that is gone or a list that is still being
 *   written (its writer finds no row of its own any more and stops) are no hindrance.
 * - `status` comes last: MySQL evaluates assignments from left to right, and the others ask for the old one.
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
