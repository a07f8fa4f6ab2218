import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';
import { isOverdue } from './is-due.js';
import { belongingTo, type MailingScope } from '../commands/transport-paused.js';

/** The next sweep finds the rest. */
const MAX_FOUND = 1_000;

/**
 * Sets `status_reason` of mailings that were not started before their `do_not_start_after` passed.
 *
 * - Index: `(uniq_server_id, status)`, or `(is_batched, status)`; the change itself goes by the primary key.
 * - A query comes first, because it waits for no lock. MySQL and MariaDB lock every index entry that a change passes, so the change alone would wait
 *   for a mailing that is written within a transaction of the host, for as long as that is open.
 *
 * @returns how many mailings were found overdue for the first time.
 */
export async function noteOverdue(session: Session, scope: MailingScope): Promise<number> {
  const own = belongingTo(scope);
  const found = await session.rows<{ id: string }>(
    `SELECT id FROM ${session.tables.mailing} WHERE ${own.sql} AND ${isOverdue(session)} AND status_reason IS NULL
     LIMIT ${MAX_FOUND}`,
    own.parameters,
  );
  if (found.length === 0) return 0;
  return session.change(
    `UPDATE ${session.tables.mailing} SET status_reason = 'overdue: its last moment to begin has passed; resume or cancel it'
     WHERE id IN (${placeholders(found)}) AND ${own.sql} AND ${isOverdue(session)} AND status_reason IS NULL`,
    [...found.map(({ id }) => id), ...own.parameters],
  );
}
