import type { MailingStatus } from '../../model/mailing-status.js';
import type { Session } from '../mailing.database.js';

/** What the first statement of a beat writes. */
export interface Fence {
  mailingId: string;
  claimToken: string;
  /** The beat this writer believes to be the last one committed. */
  beat: number;
  sent: number;
  errors: number;
  skipped: number;
  settledIdx: number;
}

/**
 * First statement of every beat: fencing, counters and the row lock in one, then the order that stands in the row.
 *
 * - Lock order: the row of the mailing first, recipients after it. Nobody takes them the other way round.
 * - Index: primary key; the token and the beat are compared on the locked row.
 * - `beat` always changes, so affected rows mean the same under both found-rows settings. Comparing it as well makes the
 *   statement safe to repeat: if the answer to a commit was lost, the repetition finds no row and the caller asks
 *   `readClaim` whether its own beat is the one that is there.
 * - Rejected: `SELECT … FOR UPDATE`, check, then update. One statement more for each beat, and SQLite has no such lock.
 * - Rejected: counting the recipients' states when somebody asks. A million rows per question.
 *
 * @returns the status under the lock, or null if the claim is somebody else's (or the beat is already committed).
 */
export async function fenceBeat(session: Session, fence: Fence): Promise<MailingStatus | null> {
  const { mailing } = session.tables;
  const changed = await session.change(
    `UPDATE ${mailing} SET num_sent = num_sent + ?, num_errors = num_errors + ?, num_skipped = num_skipped + ?,
       settled_idx = ?, beat = beat + 1
     WHERE id = ? AND claim_token = ? AND beat = ?`,
    [
      fence.sent,
      fence.errors,
      fence.skipped,
      fence.settledIdx,
      fence.mailingId,
      fence.claimToken,
      fence.beat,
    ],
  );
  if (changed !== 1) return null;
  const [row] = await session.rows<{ status: MailingStatus }>(`SELECT status FROM ${mailing} WHERE id = ?`, [
    fence.mailingId,
  ]);
  return row.status;
}

/** Who holds the mailing now, and how many beats were committed. */
export async function readClaim(
  session: Session,
  mailingId: string,
): Promise<{ claimToken: string | null; beat: number } | null> {
  const [row] = await session.rows<{ claim_token: string | null; beat: number }>(
    `SELECT claim_token, beat FROM ${session.tables.mailing} WHERE id = ?`,
    [mailingId],
  );
  return row ? { claimToken: row.claim_token, beat: Number(row.beat) } : null;
}
