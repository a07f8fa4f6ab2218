import type { MailingDatabase } from '../database/mailing.database.js';
import type { HeldClaim } from '../ledger/held-claim.js';

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
