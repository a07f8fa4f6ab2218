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
  /** Its progress row, as it was read. */
  seen: { number: number; claimToken: string | null };
  uniqServerId: string;
  /** Under which it is restored. */
  claimToken: string;
}

const FORGOTTEN =
  'The database rewound to an older state, and what became of this recipient is not known any more; the mail server may have taken the message.';

/** Rows of one look at deferred recipients. */
export const DUE_AT_A_TIME = 1_000_000;

/**
 * Writes commits again that the database has forgotten, from the memory of the process that made them. Call it in a transaction of its own.
 *
 * - Lock order: the progress row first; of a batch, its mailing's row next, as in `claimBatch`; recipients after them. Index: primary keys; see
 *   `settleInFlight`.
 * - The guard is the number and the token that were read, so a node that merely lags behind can not pass it: it applies the newer row before,
 *   or, in a cluster that certifies writes, the commit fails. Of a claim holder that went on from the older state one of the two commits
 *   first, and the other finds its number gone. Only a living incarnation restores (`provesLife`).
 * - The number goes beyond both. A process that has claimed the slice since went on from the older state under numbers that were used before
 *   (`SliceMemory.noteFork`); its run finds its claim gone.
 * - A mailing that shows `pending`, and a batch that shows `free`, were claimed in a commit that is forgotten. A paused mailing stays paused.
 * - Every `pending` row between the watermarks counts as in flight: a recipient that was handed back and one that was sent look the same in the older
 *   state, and the memory tells them apart. Where the memory does not reach back far enough, recipients that it does not name are in doubt, and so
 *   are deferred ones that were due, because they may have been tried. The mailing is paused in the same transaction then.
 * - Rejected: to repeat the commits one by one. Their statements check rows as they were then.
 *
 * @returns null if the row has changed since it was read, or this server is no member any more.
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

/** Whether its progress row shows a state in which it may be worked on, or come to be. What is over is not opened again. */
export async function isOpen(session: Session, slice: Slice): Promise<boolean> {
  const progress = progressRowOf(session, slice);
  const rows = await session.rows(
    `SELECT 1 FROM ${progress.table} WHERE ${progress.sql} AND status IN (${stateOf(slice).open})`,
    progress.parameters,
  );
  return rows.length > 0;
}

/** How a progress row was read: condition on the row, for the guard of a change. */
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

/** Recipients that the database shows as deferred, and that may have been tried again since. Others among them are left as they are. */
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
 * The first claim of a mailing begins it, in a commit that may be forgotten, too: a batch of a mailing that is not begun can not complete it, and a
 * mailing without a start may count as overdue.
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
