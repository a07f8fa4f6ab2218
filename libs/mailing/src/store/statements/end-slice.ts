import type { MailingStatus } from '../../model/mailing-status.js';
import type { Session } from '../mailing.database.js';

/**
 * Completes a mailing whose last recipient is settled, inside the beat that settled it.
 *
 * - Lock: the mailing's row, held since `fenceBeat`.
 * - The sum in the `WHERE` is the promise itself: a mailing whose books do not add up is never called completed.
 *
 * @returns false if the books do not add up.
 */
export async function completeMailing(session: Session, mailingId: string): Promise<boolean> {
  const changed = await session.change(
    `UPDATE ${session.tables.mailing}
     SET status = 'completed', status_reason = NULL, end_time = ${session.dialect.now}, claim_token = NULL
     WHERE id = ? AND status IN ('in_progress', 'pausing', 'canceling')
       AND num_sent + num_errors + num_skipped = num_profiles`,
    [mailingId],
  );
  return changed === 1;
}

/** The state that a claim holder leaves behind when it stops before the end. */
const LEFT_BEHIND: Partial<Record<MailingStatus, MailingStatus>> = {
  in_progress: 'pending',
  pausing: 'paused',
  canceling: 'canceled',
};

/**
 * Gives the claim back with nothing in flight: orderly stop, pause reached, or canceled.
 *
 * - Lock: the mailing's row, held since `fenceBeat`, under which `from` was read.
 *
 * @returns the state the mailing was left in.
 */
export async function releaseMailing(
  session: Session,
  mailingId: string,
  from: MailingStatus,
): Promise<MailingStatus> {
  const status = LEFT_BEHIND[from] ?? from;
  const endTime = status === 'canceled' ? `, end_time = ${session.dialect.now}` : '';
  await session.change(
    `UPDATE ${session.tables.mailing} SET status = ?, claim_token = NULL${endTime} WHERE id = ? AND status = ?`,
    [status, mailingId, from],
  );
  return status;
}
