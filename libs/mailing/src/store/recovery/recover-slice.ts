import type { KnownOutcomes } from '../failover/known-outcomes.js';
import type { Session } from '../database/mailing.database.js';
import { findDue } from '../recipients/find-due.js';
import { beginForgottenAttempts, DUE_AT_A_TIME } from './begin-forgotten-attempts.js';
import { readWatermarks } from '../ledger/read-progress.js';
import { settleInFlight } from './settle-in-flight.js';
import type { InFlightRecipients } from '../ledger/held-claim.js';
import type { DeadClaim } from './dead-claim.js';
import { diedText } from '../recipients/died-text.js';
import { takeFromDead } from './take-from-dead.js';

/**
 * Takes over the slice of a dead run and settles the recipients that were in flight, before the first new message. Call it in its own transaction.
 *
 * - Lock order: the progress row first, recipients after it, as in a commit. A zombie that commits at the same moment either commits before (its
 *   outcomes count, and fewer recipients are in doubt) or finds its token gone.
 * - The guard is the token that was judged dead: of two recoverers, one changes the row, and only if it is the live incarnation of its server
 *   (`provesLife`). A mailing is recovered by the server that owns it, a batch by any server.
 * - Index: a range of the primary key from `low_water_idx` (every recipient before it is settled or deferred) to `high_water_idx` (no recipient from
 *   it on was ever in flight), so the work does not grow with the list. `dps_mail_deferred` names the recipients at a further attempt.
 * - First set implied in-flight rows to `sending` (`nameIntended`), and lower `next_idx` to where sending continues. From then on, every row in
 *   flight is `sending`.
 * - If the database was rewound in a failover, the journal may name recipients beyond these watermarks; they count as in flight too.
 * - Rejected: searching for `sending` in the whole list, which takes seconds at a million recipients; an index on status, see `read-next.ts`.
 *
 * @returns the recipients that were in flight, or null if another process was faster.
 */
export async function recoverSlice(session: Session, claim: DeadClaim): Promise<InFlightRecipients | null> {
  const { slice, deadToken, evidence, resend } = claim;
  if (!(await takeFromDead(session, claim))) return null;
  const { number, lowWaterIdx, nextIdx, highWaterIdx } = await readWatermarks(session, slice);
  // This recovery has itself increased the commit number by 1.
  const commitSeq = number - 1;
  const terms = { resend, doubt: diedText(deadToken, commitSeq) };
  const left = evidence?.since(commitSeq, nextIdx);
  if (!left) return settleInFlight(session, slice, { lowWaterIdx, nextIdx, highWaterIdx }, null, terms);
  const { knownOutcomes, endIdx, forgotten, isLeftOut } = left;
  const due = isLeftOut ? await findDue(session, slice, DUE_AT_A_TIME) : [];
  const tried = [...new Set([...forgotten, ...due])];
  if (tried.length > 0) await beginForgottenAttempts(session, slice, tried);
  const knows = isLeftOut ? { ...knownOutcomes, isBegun: begunOrDue(knownOutcomes, due) } : knownOutcomes;
  const watermarks = {
    lowWaterIdx,
    nextIdx: Math.max(nextIdx, endIdx),
    highWaterIdx: Math.max(highWaterIdx, endIdx),
  };
  return settleInFlight(session, slice, watermarks, knows, terms);
}

/** For a journal that leaves commits out: a due recipient that it does not name may have been begun in one of them. */
function begunOrDue(
  { isBegun, outcomeOf, deferralOf }: KnownOutcomes,
  due: number[],
): KnownOutcomes['isBegun'] {
  const isDue = new Set(due);
  return (idx) => isBegun(idx) || (isDue.has(idx) && !outcomeOf(idx) && !deferralOf(idx));
}
