import type { Slice } from '../../model/states/slice.js';
import type { KnownOutcomes } from '../failover/known-outcomes.js';
import type { Session } from '../database/mailing.database.js';
import { type OpenRecipient, RECIPIENT_TABLES } from '../recipients/open-recipient.js';
import { countsOf, writeEnds } from '../ledger/settle-recipients.js';
import { ADD_TO_COUNTERS, progressRowOf } from '../database/progress-row.js';
import type { IdxRange } from './settle-terms.js';
import { findMarked } from './find-marked.js';

/**
 * Settles marked recipients of a dead run whose outcome is known. Recipients with an answer get that outcome or deferral. Recipients that were never
 * begun are handed back untouched. Recipients that were begun and have no answer stay `sending`, for the policy to decide.
 *
 * - Lock order: the progress row is locked already; then recipients, their rows in `dps_mail_deferred`, and the progress row again.
 * - Index: the same range of the primary key as in `recover-slice.ts`. At most `maxInDoubt` rows are found in it; after a failover there may be more,
 *   and the caller passes one part of the range at a time.
 * - Rejected: handing back all recipients that the journal does not name, with `NOT IN`. The database would compare each row with a list as long as
 *   the journal.
 *
 * @param again recipients at a further attempt, at any idx.
 */
export async function settleKnown(
  session: Session,
  slice: Slice,
  range: IdxRange,
  again: number[],
  { outcomeOf, deferralOf, isBegun }: KnownOutcomes,
): Promise<Settled> {
  const open = new Map<number, OpenRecipient>();
  const users = new Map<number, string>();
  for (const source of RECIPIENT_TABLES) {
    const rows = await findMarked(session, source, slice, range, again);
    for (const { idx, userId, isRetry } of rows) {
      if (userId !== null) users.set(idx, userId);
      open.set(idx, { source, rowStatus: 'sending', isRetry });
    }
  }
  const indexes = [...open.keys()];
  const ends = {
    outcomes: indexes.flatMap((idx) => outcomeOf(idx) ?? []),
    deferred: indexes.flatMap((idx) => deferralOf(idx) ?? []),
    returned: indexes.filter((idx) => !isBegun(idx) && !outcomeOf(idx) && !deferralOf(idx)),
  };
  await writeEnds(session, slice.mailingId, open, ends);
  const { sent, errors, skipped } = countsOf(ends.outcomes);
  if (ends.outcomes.length > 0) {
    const progress = progressRowOf(session, slice);
    await session.change(`UPDATE ${progress.table} SET ${ADD_TO_COUNTERS} WHERE ${progress.sql}`, [
      sent,
      errors,
      skipped,
      ...progress.parameters,
    ]);
  }
  return {
    numSettled: ends.outcomes.length,
    mailed: ends.outcomes.flatMap(({ idx, status }) => (status === 'sent' ? (users.get(idx) ?? []) : [])),
  };
}

export interface Settled {
  numSettled: number;
  /** Ids of the profiles with the outcome `sent`. */
  mailed: string[];
}
