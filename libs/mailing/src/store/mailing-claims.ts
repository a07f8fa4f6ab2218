import type { MailingStatus } from '../model/mailing-status.js';
import type { MailingDatabase, Session } from './mailing.database.js';
import { adoptMailing, adoptMailings } from './statements/adopt-mailings.js';
import { claimMailing, isDue, noteOverdue } from './statements/claim-mailing.js';
import { type Caught, recoverMailing } from './statements/recover-mailing.js';
import { failDeadLists } from './statements/write-list.js';

/** The right to work on a mailing, and where its books stood when it was obtained. */
export interface HeldClaim {
  mailingId: string;
  claimToken: string;
  beat: number;
  settledIdx: number;
  /** Nobody at or after this place has ever been marked. */
  nextIdx: number;
  numSettled: number;
  /** Of them, those who were tried: not the skipped ones. */
  numTried: number;
  numProfiles: number;
  /** Recipients that a dead run had left between hand-over and answer; null if there was no dead run. */
  caught: Caught | null;
}

/** A mailing that waits for work. */
export interface UnfinishedMailing {
  mailingId: string;
  status: MailingStatus;
  claimToken: string | null;
}

/** Who may work on which mailing: claiming, recovering from the dead, adopting from other servers. */
export class MailingClaims {
  constructor(private readonly database: MailingDatabase) {}

  /** Mailings of this server that somebody has to work on now, oldest first. */
  async unfinished(uniqServerId: string): Promise<UnfinishedMailing[]> {
    const rows = await this.database.rows<{ id: string; status: MailingStatus; claim_token: string | null }>(
      `SELECT id, status, claim_token FROM ${this.database.tables.mailing}
       WHERE uniq_server_id = ? AND status IN ('pending', 'in_progress', 'pausing', 'canceling')
         AND (status <> 'pending' OR ${isDue(this.database)}) ORDER BY id`,
      [uniqServerId],
    );
    return rows.map((row) => ({ mailingId: row.id, status: row.status, claimToken: row.claim_token }));
  }

  /** @returns null if the mailing is not `pending` here any more: somebody else was faster. */
  claim(mailingId: string, uniqServerId: string, claimToken: string): Promise<HeldClaim | null> {
    return this.database.transaction(async (session) => {
      const claimed = await claimMailing(session, mailingId, uniqServerId, claimToken);
      return claimed ? this.#held(session, mailingId, claimToken, null) : null;
    });
  }

  /** @returns null if somebody else was faster. */
  recover(
    mailingId: string,
    uniqServerId: string,
    deadToken: string,
    claimToken: string,
    resend: boolean,
  ): Promise<HeldClaim | null> {
    return this.database.transaction(async (session) => {
      const caught = await recoverMailing(session, {
        mailingId,
        uniqServerId,
        deadToken,
        claimToken,
        resend,
      });
      return caught === null ? null : this.#held(session, mailingId, claimToken, caught);
    });
  }

  /** Calls unfinished lists of dead incarnations of this server failed. @returns how many. */
  failDeadLists(uniqServerId: string, incarnation: string): Promise<number> {
    return failDeadLists(this.database, uniqServerId, incarnation);
  }

  /** Moves the mailings of a server that has no row any more. @returns the ids that moved. */
  async adopt(fromServerId: string, toServerId: string): Promise<string[]> {
    const { mailing } = this.database.tables;
    const left = await this.database.rows<{ id: string }>(
      `SELECT id FROM ${mailing} WHERE uniq_server_id = ?
       AND status IN ('loading', 'pending', 'in_progress', 'pausing', 'paused', 'canceling')`,
      [fromServerId],
    );
    if (left.length === 0) return [];
    const moved = await adoptMailings(this.database, fromServerId, toServerId);
    return moved === 0 ? [] : left.map((row) => row.id);
  }

  /**
   * Moves one mailing of a server that has no row any more, whatever list it is on: somebody asked for something here that
   * its owner can't carry out any more.
   */
  async adoptOne(mailingId: string, fromServerId: string, toServerId: string): Promise<boolean> {
    return (await adoptMailing(this.database, mailingId, fromServerId, toServerId)) === 1;
  }

  /** Gives overdue mailings of this server their reason. @returns how many are new. */
  noteOverdue(uniqServerId: string): Promise<number> {
    return noteOverdue(this.database, uniqServerId);
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

  async #held(
    session: Session,
    mailingId: string,
    claimToken: string,
    caught: Caught | null,
  ): Promise<HeldClaim> {
    const [row] = await session.rows<Record<string, number>>(
      `SELECT beat, settled_idx, next_idx, num_profiles, num_sent + num_errors AS num_tried, num_skipped
       FROM ${session.tables.mailing} WHERE id = ?`,
      [mailingId],
    );
    return {
      mailingId,
      claimToken,
      beat: Number(row.beat),
      settledIdx: Number(row.settled_idx),
      nextIdx: Number(row.next_idx),
      numSettled: Number(row.num_tried) + Number(row.num_skipped),
      numTried: Number(row.num_tried),
      numProfiles: Number(row.num_profiles),
      caught,
    };
  }
}
