import { type HeldClaim } from '../ledger/held-claim.js';
import type { MailingDatabase } from '../database/mailing.database.js';
import { adoptOneMailing } from './adopt-one-mailing.js';
import { adoptMailings } from './adopt-mailings.js';
import { claimMailing } from './claim-mailing.js';
import {
  findUnfinished,
  idsOfUnfinished,
  ownersOfUnfinished,
  type UnfinishedMailing,
} from './find-unfinished.js';
import { noteOverdue } from './note-overdue.js';
import { adoptIfStillDead } from './adopt-if-still-dead.js';
import type { MailingScope } from '../commands/transport-paused.js';
import { failDeadLists } from '../intake/fail-dead-lists.js';
import { nullIfRefused, refuseIfForgotten } from './refuse-forgotten.js';
import { readHeldClaim } from '../ledger/read-progress.js';
import { recoverClaim, type Recovery } from './recover-claim.js';

/** Decides which process works on which mailing: claiming, recovery from dead runs, adoption from other servers. */
export class MailingClaims {
  constructor(private readonly database: MailingDatabase) {}

  /** Mailings of this server that it has to work on now, oldest first. Batched mailings are left out: no server owns a batch. */
  unfinished(uniqServerId: string): Promise<UnfinishedMailing[]> {
    return findUnfinished(this.database, uniqServerId);
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
    const left = await idsOfUnfinished(this.database, fromServerId);
    if (left.length === 0) return [];
    const moved = await adoptIfStillDead(this.database, fromServerId, (session) =>
      adoptMailings(session, fromServerId, toServerId),
    );
    if (moved === 0) return [];
    // Some may have been moved to other servers since they were read.
    const here = new Set(await idsOfUnfinished(this.database, toServerId));
    return left.filter((id) => here.has(id));
  }

  /** Moves one mailing of a server that has no row any more, for a command given here that its owner can't carry out any more. */
  async adoptOne(mailingId: string, fromServerId: string, toServerId: string): Promise<boolean> {
    const moved = await adoptIfStillDead(this.database, fromServerId, (session) =>
      adoptOneMailing(session, mailingId, fromServerId, toServerId),
    );
    return moved === 1;
  }

  /** Sets the reason of overdue mailings. @returns how many are new. */
  noteOverdue(scope: MailingScope): Promise<number> {
    return noteOverdue(this.database, scope);
  }

  /** Other servers that own an unfinished mailing. */
  ownersOfUnfinished(uniqServerId: string): Promise<string[]> {
    return ownersOfUnfinished(this.database, uniqServerId);
  }
}
