import type { GuardScores } from '../model/guard-scores.js';
import type { BatchSlice, Slice } from '../model/slice.js';
import type { MailingDatabase, Session } from './mailing.database.js';
import { booksOf } from './slice-books.js';
import { type DeadClaim, recoverSlice } from './statements/recover-slice.js';
import type { Caught } from './statements/settle-in-flight.js';

/** The right to work on a slice, and where its books stood when it was obtained. */
export interface HeldClaim extends Slice {
  claimToken: string;
  beat: number;
  settledIdx: number;
  /** Nobody before this place is still to be begun. */
  nextIdx: number;
  /** Nobody from this place on was ever under way. */
  reachIdx: number;
  numSettled: number;
  numProfiles: number;
  /** Where the error guard stands. */
  guardScores: GuardScores;
  /** Recipients that a dead run had left between hand-over and answer; null if there was no dead run. */
  caught: Caught | null;
}

/** How those are settled whom the death of a run has caught. */
export type Recovery = Pick<DeadClaim, 'resend' | 'journal'>;

/** The right to work on a batch. */
export type HeldBatch = HeldClaim & BatchSlice;

/** Reads the books under a claim that was obtained in the same transaction. */
export async function readHeldClaim<S extends Slice>(
  session: Session,
  slice: S,
  claimToken: string,
  caught: Caught | null,
): Promise<HeldClaim & S> {
  const books = booksOf(session, slice);
  const [row] = await session.rows<Record<string, number>>(
    `SELECT beat, settled_idx, next_idx, reach_idx, num_profiles, num_sent + num_errors + num_skipped AS num_settled,
       suspect_score, failure_score
     FROM ${books.table} WHERE ${books.sql}`,
    books.parameters,
  );
  return {
    ...slice,
    claimToken,
    beat: Number(row.beat),
    settledIdx: Number(row.settled_idx),
    nextIdx: Number(row.next_idx),
    reachIdx: Number(row.reach_idx),
    numSettled: Number(row.num_settled),
    numProfiles: Number(row.num_profiles),
    guardScores: { suspect: Number(row.suspect_score), failure: Number(row.failure_score) },
    caught,
  };
}

/** Takes a slice from the dead, in a transaction of its own. @returns null if somebody else was faster. */
export function recoverClaim(database: MailingDatabase, dead: DeadClaim): Promise<HeldClaim | null> {
  return database
    .transaction(async (session) => {
      const caught = await recoverSlice(session, dead);
      if (caught === null) return null;
      return unlessForgotten(database, await readHeldClaim(session, dead.slice, dead.claimToken, caught));
    })
    .catch(nothingIfForgotten);
}

/** The claim is rolled back: this process has committed more for the slice than the database shows. */
class ForgottenCommits extends Error {}

/**
 * The claim was the database's next number. Where this process remembers that number or a later one, the database has forgotten commits, or a
 * node of it lags behind: nothing may be sent before they are restored (`restoreCommits`).
 *
 * @throws ForgottenCommits, which rolls the claim back; see `nothingIfForgotten`.
 */
export function unlessForgotten<C extends HeldClaim>({ commits }: MailingDatabase, claim: C): C {
  const memory = commits.of(claim);
  if (memory && memory.number >= claim.beat) throw new ForgottenCommits();
  return claim;
}

/** For `catch` behind the transaction of `unlessForgotten`. */
export function nothingIfForgotten(error: unknown): null {
  if (error instanceof ForgottenCommits) return null;
  throw error;
}
