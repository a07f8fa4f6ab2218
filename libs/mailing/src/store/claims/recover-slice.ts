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
  /** The claim of the dead, which this one replaces. */
  deadToken: string;
  claimToken: string;
  /** Whether those caught are sent again, or recorded as in doubt. */
  resend: boolean;
  /** What the dead run has left beside the books; null: nothing that can be believed. */
  journal: DeadJournal | null;
}

const DIED =
  'The sending process died between hand-over and answer; the mail server may have taken the message.';

/**
 * Takes a dead run's slice over and settles the recipients that were in flight, before the first new message. Call it in a
 * transaction of its own.
 *
 * - Lock order: the row with the books first, recipients after it, as in a commit. A zombie that commits at this very moment
 *   either commits before (its outcomes count, and fewer are in doubt) or finds its token gone.
 * - The guard is the token that was judged dead: of two recoverers one changes the row, and only the living incarnation
 *   of the server (`provesLife`). A mailing is its server's own; a batch is anybody's.
 * - Index: a range of the primary key from `low_water_idx` (everything before is settled or deferred) to `high_water_idx`
 *   (no recipient from it on was ever in flight), so the work does not grow with the list; those at a further attempt are
 *   named by `dps_mail_deferred`.
 * - First, implied in-flight rows are set to `sending` (`nameIntended`), so there is one kind of them from then
 *   on, and `next_idx` goes down to where the list goes on.
 * - Where the database rewound in a failover, the journal may know of recipients beyond these numbers; they count as in flight, too.
 * - Rejected: searching for `sending` over the whole list, seconds at a million recipients; an index on status, see
 *   `read-next.ts`.
 *
 * @returns who was caught, or null if somebody else was faster.
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
  // The claim has just been counted as a commit.
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

/** What a journal leaves out it can't deny. */
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
