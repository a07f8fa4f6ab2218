import type { UnsafeConnectionError } from '../../model/errors/database-setting.errors.js';
import type { ReadOnlyServerError } from '../../model/errors/read-only-server.error.js';
import type { MailingDatabase } from '../database/mailing.database.js';
import { findHeld, type HeldMailing, type HeldScope } from './find-held.js';
import { findStalled, type StalledSlice } from './find-stalled.js';
import {
  findOrphaned,
  findOverdue,
  findPausedByThemselves,
  findUnclaimed,
  MAX_COUNTED,
  type WaitingMailing,
} from './find-waiting.js';

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
    return findOrphaned(this.database, except, this.leaseMs);
  }

  /** Mailings in batches that are due while no live server takes batches. */
  unclaimed(): Promise<WaitingMailing[]> {
    return findUnclaimed(this.database, this.leaseMs);
  }

  /** Mailings that are paused, but not by a request. */
  pausedByThemselves(): Promise<WaitingMailing[]> {
    return findPausedByThemselves(this.database);
  }

  /** Mailings that have not begun, and whose `do_not_start_after` has passed. */
  overdue(): Promise<WaitingMailing[]> {
    return findOverdue(this.database);
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
}
