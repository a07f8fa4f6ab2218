import type { Slice } from '../../model/states/slice.js';
import type { MailingDatabase, Session } from '../database/mailing.database.js';
import { progressRowOf } from '../database/progress-row.js';
import type { InFlightRecipients, HeldClaim } from '../ledger/held-claim.js';
import { type DeadClaim, recoverSlice } from './recover-slice.js';

/** How recovery settles the recipients that were in flight when their run died. */
export type Recovery = Pick<DeadClaim, 'resend' | 'journal'>;

/** Reads the progress row under a claim that was obtained in the same transaction. */
export async function readHeldClaim<S extends Slice>(
  session: Session,
  slice: S,
  claimToken: string,
  inFlight: InFlightRecipients | null,
): Promise<HeldClaim & S> {
  const progress = progressRowOf(session, slice);
  const [row] = await session.rows<Record<string, number> & { server: string }>(
    `SELECT commit_seq, low_water_idx, next_idx, high_water_idx, num_profiles, num_sent + num_errors + num_skipped AS num_settled,
       suspect_score, failure_score, ${session.dialect.server} AS server
     FROM ${progress.table} WHERE ${progress.sql}`,
    progress.parameters,
  );
  return {
    ...slice,
    claimToken,
    server: row.server,
    commitSeq: Number(row.commit_seq),
    lowWaterIdx: Number(row.low_water_idx),
    nextIdx: Number(row.next_idx),
    highWaterIdx: Number(row.high_water_idx),
    numSettled: Number(row.num_settled),
    numProfiles: Number(row.num_profiles),
    guardScores: { suspect: Number(row.suspect_score), failure: Number(row.failure_score) },
    inFlight,
  };
}

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

/** The claim is rolled back. It is tried again later. */
class ClaimRefused extends Error {}

/**
 * Refuses a claim while the database may have forgotten commits:
 *
 * - This process remembers the number of this claim, or a higher one. The database was rewound, or one of its nodes lags behind; what was forgotten
 *   is restored first (`restoreCommits`).
 * - The database server is not the one that answered before, and other processes may not have reserved their forgotten slices there yet
 *   (`FailoverWatch`).
 *
 * @throws ClaimRefused, which rolls the claim back; see `nullIfRefused`.
 */
export function refuseIfForgotten<C extends HeldClaim>({ commits, failovers }: MailingDatabase, claim: C): C {
  const memory = commits.of(claim);
  if (memory && memory.number >= claim.commitSeq) throw new ClaimRefused();
  if (!failovers.observe(claim.server).isSettled) throw new ClaimRefused();
  return claim;
}

/** For the `catch` of the transaction in which `refuseIfForgotten` is called. */
export function nullIfRefused(error: unknown): null {
  if (error instanceof ClaimRefused) return null;
  throw error;
}
