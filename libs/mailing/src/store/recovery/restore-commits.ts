import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import type { Session } from '../database/mailing.database.js';
import { findDue } from '../recipients/find-due.js';
import { pauseMailing } from '../completion/pause-mailing.js';
import { readWatermarks } from '../ledger/read-progress.js';
import { settleInFlight } from './settle-in-flight.js';
import type { InFlightRecipients } from '../ledger/held-claim.js';
import type { ForgottenSlice } from './forgotten-slice.js';
import { takeBack } from './take-back.js';
import { DUE_AT_A_TIME, beginForgottenAttempts } from './begin-forgotten-attempts.js';
import { beginAgain } from './begin-again.js';

const FORGOTTEN =
  'The database rewound to an older state, and what became of this recipient is not known any more; the mail server may have taken the message.';

/**
 * Writes commits that the database has forgotten again, from the memory of the process that made them. Call it in its own transaction.
 *
 * - Lock order: the progress row first; for a batch, its mailing's row next, as in `claimBatch`; recipients after them. Index: primary keys; see
 *   `settleInFlight`.
 * - The guard is the number and the token that were read. So a node that only lags behind can not pass it: it applies the newer row first, or, in a
 *   cluster that certifies writes, the commit fails. If another claim holder continued from the older state, one of the two commits first, and the
 *   other finds its number gone. Requires a live incarnation (`provesLife`).
 * - The new number is higher than both. A process that has claimed the slice since then continued from the older state, under numbers that were used
 *   before (`SliceMemory.noteFork`); its run finds its claim gone.
 * - A mailing that is `pending`, or a batch that is `free`, was claimed in a forgotten commit. A mailing that is `paused` becomes
 *   `pausing`, and is `paused` again when this claim is released.
 * - Every `pending` row between the watermarks counts as in flight. In the older state, a recipient that was handed back and one that was sent look
 *   the same; the memory tells them apart. If the memory does not reach back far enough, recipients that it does not name are in doubt. So are
 *   deferred recipients that were due, because they may have been tried. Then the mailing is paused in the same transaction.
 * - Rejected: repeating the commits one by one. Their statements check rows as they were then.
 *
 * @returns null if the row has changed since it was read or shows an ended slice, or the incarnation in the token is not live any more.
 */
export async function restoreCommits(
  session: Session,
  forgotten: ForgottenSlice,
): Promise<InFlightRecipients | null> {
  if (!(await takeBack(session, forgotten))) return null;
  const { memory, seen } = forgotten;
  const { slice } = memory;
  await beginAgain(session, slice.mailingId);
  const { isWhole, retried, knownOutcomes } = memory.after(seen.number);
  const due = isWhole ? [] : await findDue(session, slice, DUE_AT_A_TIME);
  await beginForgottenAttempts(session, slice, [...new Set([...retried, ...due])]);
  const row = await readWatermarks(session, slice);
  const highWaterIdx = Math.max(row.highWaterIdx, memory.highWaterIdx);
  const watermarks = { lowWaterIdx: row.lowWaterIdx, nextIdx: highWaterIdx, highWaterIdx };
  const inFlight = await settleInFlight(session, slice, watermarks, knownOutcomes, {
    resend: false,
    doubt: FORGOTTEN,
  });
  if (inFlight.numInFlight > 0) await pauseMailing(session, slice.mailingId, reasonOf(inFlight));
  return inFlight;
}

function reasonOf({ numKnown, numInFlight }: InFlightRecipients): string {
  return (
    `${PAUSE_REASONS.rewound}: ${numKnown} recipients whose outcome was forgotten are recorded again, ${numInFlight} are in doubt. ` +
    'Settle them, and resume the mailing'
  );
}
