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

/** A mailing that waits for work. */
export interface UnfinishedMailing {
  mailingId: string;
  status: MailingStatus;
  claimToken: string | null;
}

/** Who may work on which mailing: claiming, recovering from the dead, adopting from other servers. */
export class MailingClaims {
  constructor(private readonly database: MailingDatabase) {}

  /** Mailings of this server that it has to work on now, oldest first. Batches are nobody's own. */
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
    // Not a condition of the statement: the index on batched mailings would look as good as the one on the server.
    return rows
      .filter((row) => !row.is_batched)
      .map((row) => ({ mailingId: row.id, status: row.status, claimToken: row.claim_token }));
  }

  /** @returns null if the mailing is not `pending` here any more: somebody else was faster. */
  claim(mailingId: string, uniqServerId: string, claimToken: string): Promise<HeldClaim | null> {
    const claimed = this.database.transaction(async (session) => {
      if (!(await claimMailing(session, mailingId, uniqServerId, claimToken))) return null;
      const claim = await readHeldClaim(session, { mailingId, batch: null }, claimToken, null);
      return refuseIfForgotten(this.database, claim);
    });
    return claimed.catch(nullIfRefused);
  }

  /** @returns null if somebody else was faster. */
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

  /** Calls unfinished lists of dead incarnations of this server failed. @returns how many. */
  failDeadLists(uniqServerId: string, incarnation: string): Promise<number> {
    return failDeadLists(this.database, uniqServerId, incarnation);
  }

  /** Moves the mailings of a server that has no row any more. @returns the ids that moved. */
  async adopt(fromServerId: string, toServerId: string): Promise<string[]> {
    const left = await this.#idsOfUnfinished(fromServerId);
    if (left.length === 0) return [];
    const moved = await adoptIfStillDead(this.database, fromServerId, (session) =>
      adoptMailings(session, fromServerId, toServerId),
    );
    if (moved === 0) return [];
    // Some may have gone elsewhere since they were seen.
    const here = new Set(await this.#idsOfUnfinished(toServerId));
    return left.filter((id) => here.has(id));
  }

  /**
   * Moves one mailing of a server that has no row any more, whatever list it is on: somebody asked for something here that
   * its owner can't carry out any more.
   */
  async adoptOne(mailingId: string, fromServerId: string, toServerId: string): Promise<boolean> {
    const moved = await adoptIfStillDead(this.database, fromServerId, (session) =>
      adoptMailing(session, mailingId, fromServerId, toServerId),
    );
    return moved === 1;
  }

  /** Gives overdue mailings their reason. @returns how many are new. */
  noteOverdue(scope: MailingScope): Promise<number> {
    return noteOverdue(this.database, scope);
  }

  /** Servers other than this one that own something unfinished. */
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
