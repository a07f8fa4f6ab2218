import type { MailingDatabase } from '../database/mailing.database.js';
import type { HeldClaim } from '../ledger/held-claim.js';
import type { DeadClaim } from '../recovery/dead-claim.js';
import { recoverSlice } from '../recovery/recover-slice.js';
import { readHeldClaim } from '../ledger/read-progress.js';
import { refuseIfForgotten, nullIfRefused } from './refuse-forgotten.js';

/** How recovery settles the recipients that were in flight when their run died. */
export type Recovery = Pick<DeadClaim, 'resend' | 'evidence'>;

/** Takes over a slice whose claim holder is dead, in its own transaction. @returns null if another process was faster. */
export function recoverClaim(database: MailingDatabase, dead: DeadClaim): Promise<HeldClaim | null> {
  return database
    .transaction(async (session) => {
      const inFlight = await recoverSlice(session, dead);
      if (inFlight === null) return null;
      return refuseIfForgotten(database, await readHeldClaim(session, dead.slice, dead.claimToken, inFlight));
    })
    .catch(nullIfRefused);
}
