import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';

/**
 * Which mailings are meant: those without batches that a server owns, those with these ids, or all that are split into batches, on which any server
 * works.
 */
export type MailingScope = { uniqServerId: string } | { mailingIds: string[] } | 'batched';

/**
 * Resumes all mailings that the plugin had paused because this transport was down.
 *
 * - Index: `(uniq_server_id, status)`, `(is_batched, status)`, or primary key.
 *
 * @returns how many mailings were resumed.
 */
export function resumeTransportPaused(
  session: Session,
  scope: MailingScope,
  transporterName: string | null,
): Promise<number> {
  const own = belongingTo(scope);
  const leaving = transporterName === null ? 'transporter_name IS NULL' : 'transporter_name = ?';
  return session.change(
    `UPDATE ${session.tables.mailing} SET status = 'pending', status_reason = NULL
     WHERE ${own.sql} AND status = 'paused' AND status_reason LIKE ? AND ${leaving}`,
    [
      ...own.parameters,
      `${PAUSE_REASONS.transport}:%`,
      ...(transporterName === null ? [] : [transporterName]),
    ],
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

/** The transports of such mailings, null for that of the module; index as above. */
export async function findPausedTransports(
  session: Session,
  scope: MailingScope,
): Promise<(string | null)[]> {
  const own = belongingTo(scope);
  const rows = await session.rows(
    `SELECT DISTINCT transporter_name FROM ${session.tables.mailing}
     WHERE ${own.sql} AND status = 'paused' AND status_reason LIKE ?`,
    [...own.parameters, `${PAUSE_REASONS.transport}:%`],
  );
  return rows.map((row) => row.transporter_name as string | null);
}
