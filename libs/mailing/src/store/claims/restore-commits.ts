import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import type { SliceMemory } from '../failover/slice.memory.js';
import { progressRowOf, type SqlPart } from '../database/progress-row.js';
import { provesLife } from './claim-mailing.js';
import { beginAttempts, findDue, markDue } from '../ledger/begin-retries.js';
import { pauseMailing } from '../completion/pause-mailing.js';
import { inChunks } from '../database/placeholders.js';
import { SOURCES } from '../ledger/open-recipient.js';
import { readWatermarks, settleInFlight } from './settle-in-flight.js';
import { type InFlightRecipients } from '../ledger/held-claim.js';

/** A slice of which the database has forgotten commits. */
export interface ForgottenSlice {
  memory: SliceMemory;
  /** The progress row as it was read. */
  seen: { number: number; claimToken: string | null };
  uniqServerId: string;
  /** The token under which the slice is restored. */
  claimToken: string;
}

const FORGOTTEN =
  'The database rewound to an older state, and what became of this recipient is not known any more; the mail server may have taken the message.';

/** Maximum number of due deferred recipients that one query returns. */
export const DUE_AT_A_TIME = 1_000_000;

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
 * - A mailing that is `pending`, or a batch that is `free`, was claimed in a forgotten commit. A paused mailing stays paused.
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
  const frame = { lowWaterIdx: row.lowWaterIdx, nextIdx: highWaterIdx, highWaterIdx };
  const inFlight = await settleInFlight(session, slice, frame, {
    knownOutcomes,
    resend: false,
    doubt: FORGOTTEN,
  });
  if (inFlight.numInFlight > 0) await pauseMailing(session, slice.mailingId, reasonOf(inFlight));
  return inFlight;
}

/** Whether the slice may be worked on, now or after a resume. An ended slice is not opened again. */
export async function isOpen(session: Session, slice: Slice): Promise<boolean> {
  const progress = progressRowOf(session, slice);
  const rows = await session.rows(
    `SELECT 1 FROM ${progress.table} WHERE ${progress.sql} AND status IN (${stateOf(slice).open})`,
    progress.parameters,
  );
  return rows.length > 0;
}

/** Condition: the progress row still shows what was read. It guards a change. */
export function showsAsRead({ number, claimToken }: ForgottenSlice['seen']): SqlPart {
  return claimToken === null
    ? { sql: 'commit_seq = ? AND claim_token IS NULL', parameters: [number] }
    : { sql: 'commit_seq = ? AND claim_token = ?', parameters: [number, claimToken] };
}

function reasonOf({ numKnown, numInFlight }: InFlightRecipients): string {
  return (
    `${PAUSE_REASONS.rewound}: ${numKnown} recipients whose outcome was forgotten are recorded again, ${numInFlight} are in doubt. ` +
    'Settle them, and resume the mailing'
  );
}

/** Marks recipients that the database shows as deferred, and that may have been tried again since. Other recipients in the list are not changed. */
export function beginForgottenAttempts(
  session: Session,
  { mailingId }: Slice,
  indexes: readonly number[],
): Promise<number> {
  return inChunks(indexes, async (chunk) => {
    for (const source of SOURCES) await markDue(session, session.tables[source], mailingId, chunk);
    return beginAttempts(session, mailingId, chunk);
  });
}

async function takeBack(session: Session, forgotten: ForgottenSlice): Promise<boolean> {
  const { memory, seen, uniqServerId, claimToken } = forgotten;
  const progress = progressRowOf(session, memory.slice);
  const life = provesLife(session, uniqServerId, claimToken);
  const asRead = showsAsRead(seen);
  const { sql: state, open } = stateOf(memory.slice);
  const taken = await session.change(
    `UPDATE ${progress.table} SET ${state}, claim_token = ?, uniq_server_id = ?, commit_seq = ?, last_commit_at = ${session.dialect.now}
     WHERE ${progress.sql} AND ${asRead.sql} AND status IN (${open}) AND ${life.sql}`,
    [
      claimToken,
      uniqServerId,
      Math.max(seen.number, memory.number) + 1,
      ...progress.parameters,
      ...asRead.parameters,
      ...life.parameters,
    ],
  );
  return taken === 1;
}

function stateOf({ batch }: Slice): { sql: string; open: string } {
  if (batch) return { sql: `status = 'claimed'`, open: `'free', 'claimed'` };
  return {
    sql: `status = CASE status WHEN 'pending' THEN 'in_progress' WHEN 'paused' THEN 'pausing' ELSE status END`,
    open: `'pending', 'in_progress', 'pausing', 'paused', 'canceling'`,
  };
}

/**
 * The first claim of a mailing starts it, and that commit may be forgotten too. A batch can not complete a mailing that is not started, and a mailing
 * without a start time may count as overdue.
 */
function beginAgain(session: Session, mailingId: string): Promise<number> {
  return session.change(
    `UPDATE ${session.tables.mailing}
     SET status_reason = CASE status WHEN 'pending' THEN NULL ELSE status_reason END,
       status = CASE status WHEN 'pending' THEN 'in_progress' ELSE status END,
       start_time = COALESCE(start_time, ${session.dialect.now})
     WHERE id = ? AND (start_time IS NULL OR status = 'pending')`,
    [mailingId],
  );
}
