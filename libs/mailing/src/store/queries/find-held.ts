import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';

/** A mailing that a server would go on with, did it not wait for the call that resumes. */
export interface HeldMailing {
  mailingId: string;
  isBatched: boolean;
  /** Recipients that are not settled. Of a mailing in batches, those of batches under way count as not settled. */
  numLeft: number;
}

/** MailingScope mailings a server would go on with. */
export interface HeldScope {
  uniqServerId: string;
  /** Whether it would adopt from this server, once that is dead; null: from any. */
  migrationList: string[] | null;
  takesBatches: boolean;
  leaseMs: number;
}

/**
 * Mailings that wait for `TemplateEmailRestarter.resume()`: the server's own, those of dead servers that it would adopt, and those in batches if it
 * takes any; also what a probe of the transport would let go on.
 *
 * - Lock: none.
 * - Index: `(is_batched, status)`, to mailings that are not over; asked only while a server waits.
 */
export async function findHeld(session: Session, scope: HeldScope, limit: number): Promise<HeldMailing[]> {
  const { dialect, tables } = session;
  const { uniqServerId, migrationList, takesBatches, leaseMs } = scope;
  const isListed = migrationList ? `m.uniq_server_id IN (${placeholders(migrationList)})` : 'TRUE';
  const isDead = `NOT EXISTS (SELECT 1 FROM ${tables.mailServer} s
    WHERE s.uniq_server_id = m.uniq_server_id AND s.last_updated >= ${dialect.agoMs})`;
  const isAdoptable = migrationList?.length === 0 ? '' : `OR (${isListed} AND ${isDead})`;
  const rows = await session.rows<Record<string, unknown>>(
    `SELECT id, is_batched, num_profiles, num_sent, num_errors, num_skipped FROM ${tables.mailing} m
     WHERE (status IN ('pending', 'in_progress') OR (status = 'paused' AND status_reason LIKE ?))
       AND ((is_batched = FALSE AND (uniq_server_id = ? ${isAdoptable})) ${takesBatches ? 'OR is_batched = TRUE' : ''})
     ORDER BY id LIMIT ${limit}`,
    [
      `${PAUSE_REASONS.transport}:%`,
      uniqServerId,
      ...(isAdoptable ? [...(migrationList ?? []), leaseMs] : []),
    ],
  );
  return rows.map((row) => ({
    mailingId: String(row.id),
    isBatched: Boolean(row.is_batched),
    numLeft:
      Number(row.num_profiles) - Number(row.num_sent) - Number(row.num_errors) - Number(row.num_skipped),
  }));
}
