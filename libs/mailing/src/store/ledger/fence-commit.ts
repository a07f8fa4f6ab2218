import type { GuardScores } from '../../model/states/guard-scores.js';
import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { ADD_TO_COUNTERS, progressRowOf, WATERMARKS } from '../database/progress-row.js';
import type { Intent } from './move-intent.js';
import { readMailingStatus } from '../database/read-mailing-status.js';
import { readCommandAndScores } from './read-command-and-scores.js';

/** What the first statement of a commit writes. */
export interface Fence {
  slice: Slice;
  claimToken: string;
  /** The number that this writer believes to be the last committed one. */
  commitSeq: number;
  sent: number;
  errors: number;
  skipped: number;
  lowWaterIdx: number;
  /** The intent that this commit is expected to reach; `moveIntent` corrects it if the commit reaches another one. */
  intent: Intent;
  guardScores: GuardScores;
}

/** What the first statement of a commit found. */
export interface Fenced {
  status: MailingStatus;
  /** Scores of the rest of the mailing; absent if they were not read. */
  elsewhere?: GuardScores;
}

/**
 * First statement of every commit: fencing, counters, the intent and the row lock in one. After it, the command for the mailing is read.
 *
 * - Lock order: the slice's progress row first, recipients after it. No statement takes them in the other order. A batch has its own progress row, so
 *   the servers of one mailing do not wait for each other.
 * - Index: primary key; the token and the commit number are compared on the locked row.
 * - The command for a mailing without batches is in the progress row itself. With `status = 'in_progress'` in the condition, the usual case, no
 *   command, needs no further query. If that update changes no row, it is repeated without the condition, and the status is read.
 * - The command for a batch is in its mailing's row, which is read and not locked: a command that is written at the same moment is found by the next
 *   commit. As a condition of the update it would be locked, and a process that ends a batch would wait for the commits of all others.
 * - The scores of the error guard are written as absolute values, because a slice has one writer. The scores of the rest of a batched mailing are
 *   read by the same query as its command (`readCommandAndScores`).
 * - `commit_seq` always changes, so the number of affected rows means the same under both found-rows settings. Comparing it also makes the statement
 *   safe to repeat: if the answer to a commit was lost, the repetition changes no row, and the caller reads with `readClaim` whether its own commit
 *   is the last one.
 * - Rejected: `SELECT … FOR UPDATE`, check, then update. One more statement for each commit, and SQLite has no such lock.
 * - Rejected: counting the recipients by status on each request. A million rows per request.
 *
 * @returns null if another process holds the claim, or the row shows another commit number (this commit is committed already, or the database shows
 *   an older state).
 */
export async function fenceCommit(session: Session, fence: Fence): Promise<Fenced | null> {
  const { mailingId, batch } = fence.slice;
  if (!batch && (await writeFence(session, fence, `AND status = 'in_progress'`)) === 1)
    return { status: 'in_progress' };
  if ((await writeFence(session, fence, '')) !== 1) return null;
  const { suspect, failure } = fence.guardScores;
  if (batch && suspect + failure > 0) return readCommandAndScores(session, { mailingId, batch });
  return { status: await readMailingStatus(session, mailingId) };
}

function writeFence(session: Session, fence: Fence, condition: string): Promise<number> {
  const progress = progressRowOf(session, fence.slice);
  return session.change(
    `UPDATE ${progress.table} SET ${ADD_TO_COUNTERS}, ${WATERMARKS.map((column) => `${column} = ?`).join(', ')},
       suspect_score = ?, failure_score = ?, commit_seq = commit_seq + 1,
       last_commit_at = ${session.dialect.now}
     WHERE ${progress.sql} AND claim_token = ? AND commit_seq = ? ${condition}`,
    [
      fence.sent,
      fence.errors,
      fence.skipped,
      fence.lowWaterIdx,
      fence.intent.nextIdx,
      fence.intent.highWaterIdx,
      fence.guardScores.suspect,
      fence.guardScores.failure,
      ...progress.parameters,
      fence.claimToken,
      fence.commitSeq,
    ],
  );
}
