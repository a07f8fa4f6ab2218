import type { UnsafeConnectionError } from '../../model/errors/database-setting.errors.js';
import type { ReadOnlyServerError } from '../../model/errors/read-only-server.error.js';
import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import type { MailingDatabase } from '../database/mailing.database.js';
import { isDue } from '../claims/claim-mailing.js';
import { findHeld, type HeldMailing, type HeldScope } from './find-held.js';
import { findStalled, type StalledSlice } from './find-stalled.js';
import { placeholders } from '../database/placeholders.js';

/** No look reads more; a count of so many means "at least". */
export const MAX_COUNTED = 1_000;

/** A mailing that waits for somebody. */
export interface WaitingMailing {
  mailingId: string;
  uniqServerId: string | null;
  statusReason: string | null;
}

/**
 * Looks for mailings that wait for what may never come; changes nothing.
 *
 * Every look goes by the index `(is_batched, status)` to mailings that are not over, so it costs nothing for those that are.
 */
export class HealthReader {
  constructor(
    private readonly database: MailingDatabase,
    private readonly leaseMs: number,
  ) {}

  /** The last refusal of a connection, if it was not longer ago than this. */
  unsafeConnection(ms: number): UnsafeConnectionError | null {
    return this.database.unsafeConnections.within(ms);
  }

  /** The last read-only answer that a new connection had, too, if it was not longer ago than this and nothing was written since. */
  readOnlyServer(ms: number): ReadOnlyServerError | null {
    return this.database.primary.outages.within(ms);
  }

  /** Those whose server does not live: no fresh row has its id. @param except servers that are looked after. */
  orphaned(except: string[]): Promise<WaitingMailing[]> {
    // Batches of a mailing are anybody's, but its list is its writer's.
    return this.#waiting(
      `((is_batched = FALSE AND status IN ('loading', 'pending', 'in_progress', 'pausing', 'canceling'))
         OR (is_batched = TRUE AND status = 'loading'))
       AND uniq_server_id NOT IN (${placeholders(except)})
       AND NOT EXISTS (SELECT 1 FROM ${this.database.tables.mailServer} s
         WHERE s.uniq_server_id = m.uniq_server_id AND s.last_updated >= ${this.database.dialect.agoMs})`,
      [...except, this.leaseMs],
    );
  }

  /** Those cut in batches that could be going on, while no living server takes batches. */
  unclaimed(): Promise<WaitingMailing[]> {
    return this.#waiting(
      `is_batched = TRUE AND status IN ('pending', 'in_progress') AND ${isDue(this.database)}
       AND NOT EXISTS (SELECT 1 FROM ${this.database.tables.mailServer} s
         WHERE s.takes_batches = TRUE AND s.last_updated >= ${this.database.dialect.agoMs})`,
      [this.leaseMs],
    );
  }

  /** Those that no person has paused. */
  pausedByThemselves(): Promise<WaitingMailing[]> {
    return this.#waiting(`is_batched IN (FALSE, TRUE) AND status = 'paused' AND status_reason <> ?`, [
      PAUSE_REASONS.request,
    ]);
  }

  /** Those whose last moment to begin has passed. */
  overdue(): Promise<WaitingMailing[]> {
    return this.#waiting(
      `is_batched IN (FALSE, TRUE) AND status = 'pending' AND start_time IS NULL
       AND do_not_start_after < ${this.database.dialect.now}`,
      [],
    );
  }

  /** Those, whole or by a batch, that a living server has claimed and committed nothing for in so long. */
  stalled(quietMs: number): Promise<StalledSlice[]> {
    const { leaseMs } = this;
    return findStalled(this.database, { quietMs, leaseMs, limit: MAX_COUNTED });
  }

  /** Those that a server with this scope would go on with, did it not wait for the call that resumes. */
  held(scope: Omit<HeldScope, 'leaseMs'>, limit: number): Promise<HeldMailing[]> {
    const { leaseMs } = this;
    return findHeld(this.database, { ...scope, leaseMs }, limit);
  }

  async #waiting(condition: string, parameters: unknown[]): Promise<WaitingMailing[]> {
    const rows = await this.database.rows<Record<string, string | null>>(
      `SELECT id, uniq_server_id, status_reason FROM ${this.database.tables.mailing} m
       WHERE ${condition} LIMIT ${MAX_COUNTED}`,
      parameters,
    );
    return rows.map((row) => ({
      mailingId: String(row.id),
      uniqServerId: row.uniq_server_id,
      statusReason: row.status_reason,
    }));
  }
}
