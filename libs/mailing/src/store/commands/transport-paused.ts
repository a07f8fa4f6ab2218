import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';

/** Which mailings are meant: those that a server owns and sends, all that are cut in batches, which anybody works on, or these. */
export type MailingScope = { uniqServerId: string } | { mailingIds: string[] } | 'batched';

/**
 * Lets all mailings go on that the plugin had paused because the transport was down.
 *
 * - Index: `(uniq_server_id, status)`, `(is_batched, status)`, or primary key.
 *
 * @returns how many go on.
 */
export function resumeTransportPaused(session: Session, scope: MailingScope): Promise<number> {
  const own = belongingTo(scope);
  return session.change(
    `UPDATE ${session.tables.mailing} SET status = 'pending', status_reason = NULL
     WHERE ${own.sql} AND status = 'paused' AND status_reason LIKE ?`,
    [...own.parameters, `${PAUSE_REASONS.transport}:%`],
  );
}

/** Condition on mailings. */
export function belongingTo(scope: MailingScope): { sql: string; parameters: string[] } {
  if (scope !== 'batched' && 'mailingIds' in scope)
    return { sql: `id IN (${placeholders(scope.mailingIds)})`, parameters: scope.mailingIds };
  // Wrapped, or the index on batched mailings would look as good as the one on the server.
  return scope === 'batched'
    ? { sql: 'is_batched = TRUE', parameters: [] }
    : { sql: 'uniq_server_id = ? AND COALESCE(is_batched, FALSE) = FALSE', parameters: [scope.uniqServerId] };
}

/** Whether there is such a mailing; index as above. */
export async function hasTransportPaused(session: Session, scope: MailingScope): Promise<boolean> {
  const own = belongingTo(scope);
  const rows = await session.rows(
    `SELECT 1 FROM ${session.tables.mailing}
     WHERE ${own.sql} AND status = 'paused' AND status_reason LIKE ? LIMIT 1`,
    [...own.parameters, `${PAUSE_REASONS.transport}:%`],
  );
  return rows.length > 0;
}
