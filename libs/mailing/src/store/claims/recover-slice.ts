import type { Slice } from '../../model/states/slice.js';
import type { DeadJournal } from '../journal/dead.journal.js';
import type { KnownOutcomes } from '../failover/known-outcomes.js';
import type { Session } from '../database/mailing.database.js';
import { progressRowOf } from '../database/progress-row.js';
import { provesLife } from './claim-mailing.js';
import { findDue } from '../ledger/begin-retries.js';
import { beginForgottenAttempts, DUE_AT_A_TIME } from './restore-commits.js';
import { readWatermarks, settleInFlight } from './settle-in-flight.js';
import { type InFlightRecipients } from '../ledger/held-claim.js';

/** A slice whose claim holder is dead. */
export interface DeadClaim {
  slice: Slice;
  /** The server that takes it over. */
  uniqServerId: string;
  /** Token of the dead claim, which this claim replaces. */
  deadToken: string;
  claimToken: string;
  /** Whether recipients that were in flight are sent again, or recorded as in doubt. */
  resend: boolean;
  /** What the journal of the dead run says; null: there is none that can be trusted. */
  journal: DeadJournal | null;
}

const DIED =
  'The sending process died between hand-over and answer; the mail server may have taken the message.';

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
  const { slice, journal, resend } = claim;
  if (!(await takeFromDead(session, claim))) return null;
  const { number, lowWaterIdx, nextIdx, highWaterIdx } = await readWatermarks(session, slice);
  const terms = { resend, doubt: DIED };
  if (!journal)
    return settleInFlight(
      session,
      slice,
      { lowWaterIdx, nextIdx, highWaterIdx },
      { ...terms, knownOutcomes: null },
    );
  // This recovery has itself increased the commit number by 1.
  const { knownOutcomes, endIdx, forgotten, isLeftOut } = journal.since(number - 1, nextIdx);
  const due = isLeftOut ? await findDue(session, slice, DUE_AT_A_TIME) : [];
  const tried = [...new Set([...forgotten, ...due])];
  if (tried.length > 0) await beginForgottenAttempts(session, slice, tried);
  const knows = isLeftOut ? { ...knownOutcomes, isBegun: begunOrDue(knownOutcomes, due) } : knownOutcomes;
  const frame = {
    lowWaterIdx,
    nextIdx: Math.max(nextIdx, endIdx),
    highWaterIdx: Math.max(highWaterIdx, endIdx),
  };
  return settleInFlight(session, slice, frame, { ...terms, knownOutcomes: knows });
}

/** For a journal that leaves commits out: a due recipient that it does not name may have been begun in one of them. */
function begunOrDue(
  { isBegun, outcomeOf, deferralOf }: KnownOutcomes,
  due: number[],
): KnownOutcomes['isBegun'] {
  const isDue = new Set(due);
  return (idx) => isBegun(idx) || (isDue.has(idx) && !outcomeOf(idx) && !deferralOf(idx));
}

async function takeFromDead(
  session: Session,
  { slice, uniqServerId, deadToken, claimToken }: DeadClaim,
): Promise<boolean> {
  const progress = progressRowOf(session, slice);
  const life = provesLife(session, uniqServerId, claimToken);
  const guard = slice.batch
    ? { sql: `status = 'claimed'`, parameters: [] }
    : {
        sql: `status IN ('in_progress', 'pausing', 'canceling') AND uniq_server_id = ?`,
        parameters: [uniqServerId],
      };
  const taken = await session.change(
    `UPDATE ${progress.table} SET claim_token = ?, uniq_server_id = ?, commit_seq = commit_seq + 1, last_commit_at = ${session.dialect.now}
     WHERE ${progress.sql} AND claim_token = ? AND ${guard.sql} AND ${life.sql}`,
    [claimToken, uniqServerId, ...progress.parameters, deadToken, ...guard.parameters, ...life.parameters],
  );
  return taken === 1;
}
