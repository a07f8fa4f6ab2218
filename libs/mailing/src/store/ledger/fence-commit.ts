import type { GuardScores } from '../../model/states/guard-scores.js';
import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { progressRowOf } from '../database/progress-row.js';
import type { Intent } from './intent.js';
import { readMailingStatus } from '../database/read-mailing-status.js';
import { readCommandAndScores } from './read-command-and-scores.js';

/** What the first statement of a commit writes. */
export interface Fence {
  slice: Slice;
  claimToken: string;
  /** The commit this writer believes to be the last one committed. */
  commitSeq: number;
  sent: number;
  errors: number;
  skipped: number;
  lowWaterIdx: number;
  /** What this commit will mark; `moveIntent` corrects what comes out otherwise. */
  intent: Intent;
  guardScores: GuardScores;
}

/** How the mailing stands behind the fence. */
export interface Fenced {
  status: MailingStatus;
  /** Scores of the rest of the mailing; absent where they were not asked for. */
  elsewhere?: GuardScores;
}

/**
 * First statement of every commit: fencing, counters, the intent and the row lock in one, then the order that stands in the row.
 *
 * - Lock order: the row with the slice's books first, recipients after it. Nobody takes them the other way round. A batch
 *   has books of its own, so the servers of one mailing do not wait for each other.
 * - Index: primary key; the token and the commit are compared on the locked row.
 * - The order of a mailing stands in the row itself: with `status = 'in_progress'` among the conditions the usual answer, that
 *   there is none, costs no question of its own. Where it changes nothing, the row is asked the long way.
 * - The order of a batch stands in its mailing's row, which is read and not locked: one that is written at this very moment
 *   is found by the next commit. As a condition of the update it would be locked, and who ends a batch would wait for
 *   the commits of all others.
 * - The scores of the error guard are written as they stand, because a slice has one writer. Those of the rest of a batched mailing come
 *   with its order, by the question that is asked anyway (`readCommandAndScores`).
 * - `commit_seq` always changes, so affected rows mean the same under both found-rows settings. Comparing it as well makes the
 *   statement safe to repeat: if the answer to a commit was lost, the repetition finds no row and the caller asks
 *   `readClaim` whether its own commit is the one that is there.
 * - Rejected: `SELECT … FOR UPDATE`, check, then update. One statement more for each commit, and SQLite has no such lock.
 * - Rejected: counting the recipients' states when somebody asks. A million rows per question.
 *
 * @returns null if the claim is held by another process (or the commit is already committed).
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
    `UPDATE ${progress.table} SET num_sent = num_sent + ?, num_errors = num_errors + ?, num_skipped = num_skipped + ?,
       low_water_idx = ?, next_idx = ?, high_water_idx = ?, suspect_score = ?, failure_score = ?, commit_seq = commit_seq + 1,
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

/** Who holds the slice now, and how many commits were committed. */
export async function readClaim(
  session: Session,
  slice: Slice,
): Promise<{ claimToken: string | null; commitSeq: number } | null> {
  const progress = progressRowOf(session, slice);
  const [row] = await session.rows<{ claim_token: string | null; commit_seq: number }>(
    `SELECT claim_token, commit_seq FROM ${progress.table} WHERE ${progress.sql}`,
    progress.parameters,
  );
  return row ? { claimToken: row.claim_token, commitSeq: Number(row.commit_seq) } : null;
}
