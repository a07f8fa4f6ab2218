import type { InDoubtPolicy } from '../../model/mailing-options.js';
import type { Session } from '../mailing.database.js';

/** A mailing whose claim holder is dead. */
export interface DeadClaim {
  mailingId: string;
  uniqServerId: string;
  /** The claim of the dead, which this one replaces. */
  deadToken: string;
  claimToken: string;
  policy: InDoubtPolicy;
}

const IN_DOUBT_TEXT =
  'The sending process died between hand-over and answer; the mail server may have taken the message.';

/**
 * Takes a dead run's mailing over and settles whom its death caught, before the first new message. Call it in a
 * transaction of its own.
 *
 * - Lock order: the mailing's row first, recipients after it, as in a beat. A zombie that beats at this very moment
 *   either commits before (its outcomes count, and fewer are in doubt) or finds its token gone.
 * - The guard is the token that was judged dead: of two recoverers one changes the row.
 * - Index: a range of the primary key from `settled_idx` (everything before is settled) to `next_idx` (nothing at or
 *   after it was ever marked), so the work does not grow with the list.
 * - Rejected: searching for `sending` over the whole list, seconds at a million recipients; an index on status, see
 *   `mark-next.ts`.
 *
 * @returns how many were caught, or null if somebody else was faster.
 */
export async function recoverMailing(session: Session, claim: DeadClaim): Promise<number | null> {
  const { mailing, emailAddress, userMailing } = session.tables;
  const taken = await session.change(
    `UPDATE ${mailing} SET claim_token = ?, beat = beat + 1
     WHERE id = ? AND uniq_server_id = ? AND claim_token = ? AND status IN ('in_progress', 'pausing', 'canceling')`,
    [claim.claimToken, claim.mailingId, claim.uniqServerId, claim.deadToken],
  );
  if (taken !== 1) return null;
  const [range] = await session.rows<{ settled_idx: number; next_idx: number }>(
    `SELECT settled_idx, next_idx FROM ${mailing} WHERE id = ?`,
    [claim.mailingId],
  );
  let caught = 0;
  for (const table of [emailAddress, userMailing]) {
    caught += await settleCaught(session, table, claim, Number(range.settled_idx), Number(range.next_idx));
  }
  if (claim.policy === 'leave' && caught > 0) {
    await session.change(`UPDATE ${mailing} SET num_errors = num_errors + ? WHERE id = ?`, [
      caught,
      claim.mailingId,
    ]);
  }
  return caught;
}

function settleCaught(
  session: Session,
  table: string,
  { mailingId, policy }: DeadClaim,
  fromIdx: number,
  toIdx: number,
): Promise<number> {
  const where = `WHERE mailing_id = ? AND idx >= ? AND idx < ? AND status = 'sending'`;
  if (policy === 'resend') {
    return session.change(`UPDATE ${table} SET attempts = attempts + 1, status = 'pending' ${where}`, [
      mailingId,
      fromIdx,
      toIdx,
    ]);
  }
  return session.change(
    `UPDATE ${table} SET attempts = attempts + 1, settled_at = ${session.dialect.now}, error_code = 'in_doubt',
       error_text = ?, status = 'in_doubt' ${where}`,
    [IN_DOUBT_TEXT, mailingId, fromIdx, toIdx],
  );
}
