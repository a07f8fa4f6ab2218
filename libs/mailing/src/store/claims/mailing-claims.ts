import type { MailingStatus } from '../../model/states/mailing-status.js';
import { type HeldClaim } from '../ledger/held-claim.js';
import type { MailingDatabase } from '../database/mailing.database.js';
import { adoptMailing, adoptMailings } from './adopt-mailings.js';
import { claimMailing, isDue, noteOverdue } from './claim-mailing.js';
import { adoptIfStillDead } from './adopt-if-still-dead.js';
import type { MailingScope } from '../commands/transport-paused.js';
import { failDeadLists } from '../intake/write-list.js';
import {
  nullIfRefused,
  readHeldClaim,
  recoverClaim,
  type Recovery,
  refuseIfForgotten,
} from './claim.reader.js';

/** A mailing that has work to do. */
export interface UnfinishedMailing {
  mailingId: string;
  status: MailingStatus;
  claimToken: string | null;
}

/** Decides which process works on which mailing: claiming, recovery from dead runs, adoption from other servers. */
export class MailingClaims {
  constructor(private readonly database: MailingDatabase) {}

  /** Mailings of this server that it has to work on now, oldest first. Batched mailings are left out: no server owns a batch. */
  async unfinished(uniqServerId: string): Promise<UnfinishedMailing[]> {
    const rows = await this.database.rows<{
      id: string;
      status: MailingStatus;
      claim_token: string | null;
      is_batched: unknown;
    }>(
      `SELECT id, status, claim_token, is_batched FROM ${this.database.tables.mailing}
       WHERE uniq_server_id = ? AND status IN ('pending', 'in_progress', 'pausing', 'canceling')
         AND (status <> 'pending' OR ${isDue(this.database)}) ORDER BY id`,
      [uniqServerId],
    );
    // Filtered here and not in the statement: there, the planner could prefer the index on `is_batched` to the one on `uniq_server_id`.
    return rows
      .filter((row) => !row.is_batched)
      .map((row) => ({ mailingId: row.id, status: row.status, claimToken: row.claim_token }));
  }

  /** @returns null if the mailing is not `pending` on this server any more: another process was faster. */
  claim(mailingId: string, uniqServerId: string, claimToken: string): Promise<HeldClaim | null> {
    const claimed = this.database.transaction(async (session) => {
      if (!(await claimMailing(session, mailingId, uniqServerId, claimToken))) return null;
      const claim = await readHeldClaim(session, { mailingId, batch: null }, claimToken, null);
      return refuseIfForgotten(this.database, claim);
    });
    return claimed.catch(nullIfRefused);
  }

  /** @returns null if another process was faster. */
  recover(
    mailingId: string,
    uniqServerId: string,
    deadToken: string,
    claimToken: string,
    how: Recovery,
  ): Promise<HeldClaim | null> {
    return recoverClaim(this.database, {
      slice: { mailingId, batch: null },
      uniqServerId,
      deadToken,
      claimToken,
      ...how,
    });
  }

  /** Marks unfinished lists of dead incarnations of this server as failed. @returns how many. */
  failDeadLists(uniqServerId: string, incarnation: string): Promise<number> {
    return failDeadLists(this.database, uniqServerId, incarnation);
  }

  /** Moves the mailings of a server that has no row any more. @returns the ids of the moved mailings. */
  async adopt(fromServerId: string, toServerId: string): Promise<string[]> {
    const left = await this.#idsOfUnfinished(fromServerId);
    if (left.length === 0) return [];
    const moved = await adoptIfStillDead(this.database, fromServerId, (session) =>
      adoptMailings(session, fromServerId, toServerId),
    );
    if (moved === 0) return [];
    // Some may have been moved to other servers since they were read.
    const here = new Set(await this.#idsOfUnfinished(toServerId));
    return left.filter((id) => here.has(id));
  }

  /** Moves one mailing of a server that has no row any more, for a command given here that its owner can't carry out any more. */
  async adoptOne(mailingId: string, fromServerId: string, toServerId: string): Promise<boolean> {
    const moved = await adoptIfStillDead(this.database, fromServerId, (session) =>
      adoptMailing(session, mailingId, fromServerId, toServerId),
    );
    return moved === 1;
  }

  /** Sets the reason of overdue mailings. @returns how many are new. */
  noteOverdue(scope: MailingScope): Promise<number> {
    return noteOverdue(this.database, scope);
  }

  /** Other servers that own an unfinished mailing. */
  async ownersOfUnfinished(uniqServerId: string): Promise<string[]> {
    const rows = await this.database.rows<{ uniq_server_id: string }>(
      `SELECT DISTINCT uniq_server_id FROM ${this.database.tables.mailing}
       WHERE uniq_server_id <> ? AND status IN ('loading', 'pending', 'in_progress', 'pausing', 'paused', 'canceling')`,
      [uniqServerId],
    );
    return rows.map((row) => row.uniq_server_id);
  }

  async #idsOfUnfinished(uniqServerId: string): Promise<string[]> {
    const rows = await this.database.rows<{ id: string }>(
      `SELECT id FROM ${this.database.tables.mailing} WHERE uniq_server_id = ?
       AND status IN ('loading', 'pending', 'in_progress', 'pausing', 'paused', 'canceling')`,
      [uniqServerId],
    );
    return rows.map((row) => row.id);
  }
}
