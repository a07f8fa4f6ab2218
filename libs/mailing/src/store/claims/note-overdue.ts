import type { Session } from '../database/mailing.database.js';
import { isOverdue } from './is-due.js';
import { belongingTo, type MailingScope } from '../commands/transport-paused.js';

/**
 * Sets `status_reason` of mailings that were not started before their `do_not_start_after` passed.
 *
 * - Index: `(uniq_server_id, status)`, or `(is_batched, status)`.
 *
 * @returns how many mailings were found overdue for the first time.
 */
export function noteOverdue(session: Session, scope: MailingScope): Promise<number> {
  const own = belongingTo(scope);
  return session.change(
    `UPDATE ${session.tables.mailing} SET status_reason = 'overdue: its last moment to begin has passed; resume or cancel it'
     WHERE ${own.sql} AND ${isOverdue(session)} AND status_reason IS NULL`,
    own.parameters,
  );
}
