import { PAUSE_REASONS } from '../../model/mailing-status.js';
import type { Session } from '../mailing.database.js';

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
 *
 * @param toServerId null: it stays where it is.
 */
export async function orderResume(
  session: Session,
  mailingId: string,
  toServerId: string | null,
): Promise<void> {
  await session.change(
    `UPDATE ${session.tables.mailing}
     SET uniq_server_id = CASE WHEN status IN ('paused', 'pending') THEN COALESCE(?, uniq_server_id) ELSE uniq_server_id END,
       do_not_start_after = CASE WHEN do_not_start_after < ${session.dialect.now} THEN NULL ELSE do_not_start_after END,
       status_reason = NULL,
       status = CASE status WHEN 'paused' THEN 'pending' WHEN 'pausing' THEN 'in_progress' ELSE status END
     WHERE id = ? AND (status IN ('paused', 'pausing') OR (status IN ('loading', 'pending') AND status_reason IS NOT NULL))`,
    [toServerId, mailingId],
  );
}

/** Which mailings are meant: those a server owns, or all that are cut in batches, which anybody works on. */
export type Whose = { uniqServerId: string } | 'batched';

/**
 * Lets all mailings go on that the plugin had paused because the transport was down.
 *
 * - Index: `(uniq_server_id, status)`, or `(is_batched, status)`.
 *
 * @returns how many go on.
 */
export function resumeTransportPaused(session: Session, whose: Whose): Promise<number> {
  const own = belongingTo(whose);
  return session.change(
    `UPDATE ${session.tables.mailing} SET status = 'pending', status_reason = NULL
     WHERE ${own.sql} AND status = 'paused' AND status_reason LIKE ?`,
    [...own.parameters, `${PAUSE_REASONS.transport}:%`],
  );
}

/** Condition on mailings. */
export function belongingTo(whose: Whose): { sql: string; parameters: string[] } {
  return whose === 'batched'
    ? { sql: 'is_batched = TRUE', parameters: [] }
    : { sql: 'uniq_server_id = ?', parameters: [whose.uniqServerId] };
}

/** Whether there is such a mailing; index as above. */
export async function hasTransportPaused(session: Session, whose: Whose): Promise<boolean> {
  const own = belongingTo(whose);
  const rows = await session.rows(
    `SELECT 1 FROM ${session.tables.mailing}
     WHERE ${own.sql} AND status = 'paused' AND status_reason LIKE ? LIMIT 1`,
    [...own.parameters, `${PAUSE_REASONS.transport}:%`],
  );
  return rows.length > 0;
}
