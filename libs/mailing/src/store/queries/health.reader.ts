import type { UnsafeConnectionError } from '../../model/errors/database-setting.errors.js';
import type { ReadOnlyServerError } from '../../model/errors/read-only-server.error.js';
import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import type { MailingDatabase } from '../database/mailing.database.js';
import { isDue } from '../claims/claim-mailing.js';
import { findHeld, type HeldMailing, type HeldScope } from './find-held.js';
import { findStalled, type StalledSlice } from './find-stalled.js';
import { placeholders } from '../database/placeholders.js';

/** No query reads more rows; a count of so many means "at least". */
export const MAX_COUNTED = 1_000;

/** A mailing that waits for what may never come. */
export interface WaitingMailing {
  mailingId: string;
  uniqServerId: string | null;
  statusReason: string | null;
}

/**
 * Finds mailings that wait for what may never come; changes nothing.
 *
 * Every query uses an index on the status of mailings or batches that have not ended, so those that have ended cost nothing.
 */
export class HealthReader {
  constructor(
    private readonly database: MailingDatabase,
    private readonly leaseMs: number,
  ) {}

  /** The last refusal of a connection, if it is at most `ms` old. */
  unsafeConnection(ms: number): UnsafeConnectionError | null {
    return this.database.unsafeConnections.within(ms);
  }

  /** The last read-only answer that a new connection got, too, if it is at most `ms` old and nothing was written since. */
  readOnlyServer(ms: number): ReadOnlyServerError | null {
    return this.database.primary.outages.within(ms);
  }

  /**
   * Mailings whose server is not live: no fresh row has its id.
   *
   * @param except servers whose mailings are left out: this one and those that it adopts from.
   */
  orphaned(except: string[]): Promise<WaitingMailing[]> {
    // Any server may claim the batches of a mailing, but only its writer completes its list.
    return this.#waiting(
      `((is_batched = FALSE AND status IN ('loading', 'pending', 'in_progress', 'pausing', 'canceling'))
         OR (is_batched = TRUE AND status = 'loading'))
       AND uniq_server_id NOT IN (${placeholders(except)})
       AND NOT EXISTS (SELECT 1 FROM ${this.database.tables.mailServer} s
         WHERE s.uniq_server_id = m.uniq_server_id AND s.last_updated >= ${this.database.dialect.agoMs})`,
      [...except, this.leaseMs],
    );
  }

  /** Mailings in batches that are due while no live server takes batches. */
  unclaimed(): Promise<WaitingMailing[]> {
    return this.#waiting(
      `is_batched = TRUE AND status IN ('pending', 'in_progress') AND ${isDue(this.database)}
       AND NOT EXISTS (SELECT 1 FROM ${this.database.tables.mailServer} s
         WHERE s.takes_batches = TRUE AND s.last_updated >= ${this.database.dialect.agoMs})`,
      [this.leaseMs],
    );
  }

  /** Mailings that are paused, but not by a request. */
  pausedByThemselves(): Promise<WaitingMailing[]> {
    return this.#waiting(`is_batched IN (FALSE, TRUE) AND status = 'paused' AND status_reason <> ?`, [
      PAUSE_REASONS.request,
    ]);
  }

  /** Mailings that have not begun, and whose `do_not_start_after` has passed. */
  overdue(): Promise<WaitingMailing[]> {
    return this.#waiting(
      `is_batched IN (FALSE, TRUE) AND status = 'pending' AND start_time IS NULL
       AND do_not_start_after < ${this.database.dialect.now}`,
      [],
    );
  }

  /** Slices (whole mailings or batches) that a live server has claimed and has not committed to for `quietMs`. */
  stalled(quietMs: number): Promise<StalledSlice[]> {
    const { leaseMs } = this;
    return findStalled(this.database, { quietMs, leaseMs, limit: MAX_COUNTED });
  }

  /** Mailings that a server with this scope would continue if it did not wait for `TemplateEmailRestarter.resume()`. */
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
