import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import type { Session } from '../database/mailing.database.js';
import { hasLiveServer } from './live-server.js';
import { NUM_SETTLED } from '../database/progress-row.js';
import { placeholders } from '../database/placeholders.js';

/** A mailing that a server would continue if it did not wait for `TemplateEmailRestarter.resume()`. */
export interface HeldMailing {
  mailingId: string;
  isBatched: boolean;
  /** Recipients that are not settled. For a mailing in batches, all recipients of batches that are not merged yet count as not settled. */
  numLeft: number;
}

/** Which mailings a server would continue. */
export interface HeldScope {
  uniqServerId: string;
  /** Servers from which it would adopt once they are dead; null: from any. */
  migrationList: string[] | null;
  takesBatches: boolean;
  leaseMs: number;
}

/**
 * Finds mailings that wait for `TemplateEmailRestarter.resume()`: the server's own, those of dead servers that it would adopt, and those in batches
 * if it takes any; also those paused for the transport that a probe would resume.
 *
 * - Lock: none.
 * - Index: `(is_batched, status)`, for mailings that have not ended; queried only while a server waits.
 */
export async function findHeld(session: Session, scope: HeldScope, limit: number): Promise<HeldMailing[]> {
  const { tables } = session;
  const { uniqServerId, migrationList, takesBatches, leaseMs } = scope;
  const isListed = migrationList ? `m.uniq_server_id IN (${placeholders(migrationList)})` : 'TRUE';
  const isAdoptable =
    migrationList?.length === 0 ? '' : `OR (${isListed} AND NOT ${hasLiveServer(session, 'm')})`;
  const rows = await session.rows<Record<string, unknown>>(
    `SELECT id, is_batched, num_profiles - (${NUM_SETTLED}) AS num_left FROM ${tables.mailing} m
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
    numLeft: Number(row.num_left),
  }));
}
