import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';

/**
 * Which mailings are meant: those without batches that a server owns, those with these ids, or all that are split into batches, on which any server
 * works.
 */
export type MailingScope = { uniqServerId: string } | { mailingIds: string[] } | 'batched';

/**
 * Resumes all mailings that the plugin had paused because the transport was down.
 *
 * - Index: `(uniq_server_id, status)`, `(is_batched, status)`, or primary key.
 *
 * @returns how many mailings were resumed.
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
  // In `COALESCE`, because the planner could otherwise prefer the index on `is_batched` to the one on `uniq_server_id`.
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
