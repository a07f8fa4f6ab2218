import type { Slice } from '../../model/states/slice.js';
import type { KnownOutcomes } from '../failover/known-outcomes.js';
import type { Session } from '../database/mailing.database.js';
import { RECIPIENT_TABLES } from '../recipients/open-recipient.js';
import { progressRowOf } from '../database/progress-row.js';
import { moveIntent } from '../ledger/move-intent.js';
import { nameIntended } from '../recipients/name-intended.js';
import { attemptsUnderWay } from '../recipients/find-due.js';
import { inChunks } from '../database/placeholders.js';
import { settleKnown } from './settle-known.js';
import type { InFlightRecipients } from '../ledger/held-claim.js';
import type { Watermarks } from '../ledger/read-progress.js';
import type { IdxRange, SettleTerms } from './settle-terms.js';
import { settleRange } from './settle-range.js';
import { settleRetries } from './settle-retries.js';

/** Length of the idx range whose rows are held in memory at a time. */
const ROWS_AT_A_TIME = 5_000;

/**
 * Settles the recipients that were in flight in a run that is gone. Call it under a claim obtained in the same transaction.
 *
 * - Lock order: the progress row is locked already; then recipients, their rows in `dps_mail_deferred`, and the progress row again.
 * - Index: a range of the primary key from `low_water_idx` to the high watermark, so the work does not grow with the list. `dps_mail_deferred` names
 *   the recipients at a further attempt.
 * - First set implied in-flight rows to `sending` (`nameIntended`), and lower `next_idx` to where sending continues. From then on, every row in
 *   flight is `sending`.
 *
 * @param knownOutcomes what is known in addition to the database; null: nothing.
 */
export async function settleInFlight(
  session: Session,
  slice: Slice,
  { lowWaterIdx, nextIdx, highWaterIdx }: Watermarks,
  knownOutcomes: KnownOutcomes | null,
  terms: SettleTerms,
): Promise<InFlightRecipients> {
  const intended = {
    sql: `mailing_id = ? AND idx >= ? AND idx < ? AND status = 'pending'`,
    parameters: [slice.mailingId, lowWaterIdx, nextIdx],
  };
  for (const source of RECIPIENT_TABLES) await nameIntended(session, session.tables[source], intended);
  await moveIntent(session, slice, { nextIdx: lowWaterIdx, highWaterIdx });
  const range = { fromIdx: lowWaterIdx, toIdx: highWaterIdx };
  const { numSettled: numKnown, mailed } = knownOutcomes
    ? await settleAllKnown(session, slice, range, knownOutcomes)
    : { numSettled: 0, mailed: [] };
  const retries = await attemptsUnderWay(session, slice);
  const { mailingId } = slice;
  const numInFlight =
    (await inChunks(retries, (chunk) => settleRetries(session, mailingId, chunk, terms))) +
    (await settleRange(session, mailingId, range, terms));
  if (!terms.resend && numInFlight > 0) {
    const progress = progressRowOf(session, slice);
    await session.change(`UPDATE ${progress.table} SET num_errors = num_errors + ? WHERE ${progress.sql}`, [
      numInFlight,
      ...progress.parameters,
    ]);
  }
  return { numInFlight, numKnown, retries, mailed };
}

/** One range of the list at a time: after a failover it may be everything that was sent in a minute. */
async function settleAllKnown(
  session: Session,
  slice: Slice,
  { fromIdx, toIdx }: IdxRange,
  knownOutcomes: KnownOutcomes,
): Promise<{ numSettled: number; mailed: string[] }> {
  let again = await attemptsUnderWay(session, slice);
  let numSettled = 0;
  const mailed: string[] = [];
  let from = fromIdx;
  do {
    const piece = { fromIdx: from, toIdx: Math.min(from + ROWS_AT_A_TIME, toIdx) };
    const settled = await settleKnown(session, slice, piece, again, knownOutcomes);
    numSettled += settled.numSettled;
    for (const id of settled.mailed) mailed.push(id);
    again = [];
    from = piece.toIdx;
  } while (from < toIdx);
  return { numSettled, mailed };
}
