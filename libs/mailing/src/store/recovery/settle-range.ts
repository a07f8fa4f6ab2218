import type { Session } from '../database/mailing.database.js';
import { RECIPIENT_TABLES } from '../recipients/open-recipient.js';
import { type IdxRange, type SettleTerms, unknownOutcome } from './settle-terms.js';

/**
 * Settles recipients of unknown outcome that are at their first attempt, which are between `low_water_idx` and `high_water_idx`. A recipient that is
 * set to `pending` here is not in flight, because `next_idx` was lowered before.
 *
 * - Lock order: after the progress row; a range of the primary key of each recipient table.
 *
 * @returns how many there were.
 */
export async function settleRange(
  session: Session,
  mailingId: string,
  { fromIdx, toIdx }: IdxRange,
  terms: SettleTerms,
): Promise<number> {
  const set = unknownOutcome(session, terms, 'pending');
  let numSettled = 0;
  for (const source of RECIPIENT_TABLES) {
    numSettled += await session.change(
      `UPDATE ${session.tables[source]} SET ${set.sql}
       WHERE mailing_id = ? AND idx >= ? AND idx < ? AND status = 'sending'`,
      [...set.parameters, mailingId, fromIdx, toIdx],
    );
  }
  return numSettled;
}
