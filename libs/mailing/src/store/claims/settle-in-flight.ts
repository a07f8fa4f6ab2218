import type { Slice } from '../../model/states/slice.js';
import type { KnownOutcomes } from '../failover/known-outcomes.js';
import type { Session } from '../database/mailing.database.js';
import { SOURCES } from '../ledger/open-recipient.js';
import { progressRowOf } from '../database/progress-row.js';
import { scheduleAttempts, unscheduleAttempts } from '../ledger/defer-recipients.js';
import { moveIntent, nameIntended } from '../ledger/intent.js';
import { attemptsUnderWay } from '../ledger/begin-retries.js';
import { inChunks, placeholders } from '../database/placeholders.js';
import { type Frame, recoverFromJournal } from './recover-from-journal.js';
import type { InFlightRecipients } from '../ledger/held-claim.js';

/** The watermarks of the progress row, which bound the recipients that may be in flight. */
export interface Watermarks {
  lowWaterIdx: number;
  nextIdx: number;
  highWaterIdx: number;
}

export interface SettleTerms {
  /** What is known in addition to the database; null: nothing. */
  knownOutcomes: KnownOutcomes | null;
  /** Whether recipients of unknown outcome are sent again, or recorded as in doubt. */
  resend: boolean;
  /** Why the outcome is unknown; for `error_text`. */
  doubt: string;
}

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
 */
export async function settleInFlight(
  session: Session,
  slice: Slice,
  { lowWaterIdx, nextIdx, highWaterIdx }: Watermarks,
  { knownOutcomes, resend, doubt }: SettleTerms,
): Promise<InFlightRecipients> {
  const intended = {
    sql: `mailing_id = ? AND idx >= ? AND idx < ? AND status = 'pending'`,
    parameters: [slice.mailingId, lowWaterIdx, nextIdx],
  };
  for (const source of SOURCES) await nameIntended(session, session.tables[source], intended);
  await moveIntent(session, slice, { nextIdx: lowWaterIdx, highWaterIdx: highWaterIdx });
  const frame = { fromIdx: lowWaterIdx, toIdx: highWaterIdx };
  const { numSettled: numKnown, mailed } = knownOutcomes
    ? await settleAllKnown(session, slice, frame, knownOutcomes)
    : { numSettled: 0, mailed: [] };
  const retries = await attemptsUnderWay(session, slice);
  const { mailingId } = slice;
  const numInFlight =
    (await inChunks(retries, (chunk) => settleAgain(session, mailingId, chunk, { resend, doubt }))) +
    (await settleFrame(session, mailingId, frame, { resend, doubt }));
  if (!resend && numInFlight > 0) {
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
  { fromIdx, toIdx }: Frame,
  knownOutcomes: KnownOutcomes,
): Promise<{ numSettled: number; mailed: string[] }> {
  let again = await attemptsUnderWay(session, slice);
  let numSettled = 0;
  const mailed: string[] = [];
  let from = fromIdx;
  do {
    const piece = { fromIdx: from, toIdx: Math.min(from + ROWS_AT_A_TIME, toIdx) };
    const settled = await recoverFromJournal(session, slice, piece, again, knownOutcomes);
    numSettled += settled.numSettled;
    for (const id of settled.mailed) mailed.push(id);
    again = [];
    from = piece.toIdx;
  } while (from < toIdx);
  return { numSettled, mailed };
}

/** The number of the last commit, and the watermarks. */
export async function readWatermarks(
  session: Session,
  slice: Slice,
): Promise<Watermarks & { number: number }> {
  const progress = progressRowOf(session, slice);
  const [row] = await session.rows<
    Record<'low_water_idx' | 'next_idx' | 'high_water_idx' | 'commit_seq', number>
  >(
    `SELECT low_water_idx, next_idx, high_water_idx, commit_seq FROM ${progress.table} WHERE ${progress.sql}`,
    progress.parameters,
  );
  return {
    lowWaterIdx: Number(row.low_water_idx),
    nextIdx: Number(row.next_idx),
    highWaterIdx: Number(row.high_water_idx),
    number: Number(row.commit_seq),
  };
}

/**
 * Recipients at their first attempt are between `low_water_idx` and `high_water_idx`. A recipient that is set to `pending` here is not in flight,
 * because `next_idx` was lowered before.
 */
async function settleFrame(
  session: Session,
  mailingId: string,
  { fromIdx, toIdx }: Frame,
  { resend, doubt }: Omit<SettleTerms, 'knownOutcomes'>,
): Promise<number> {
  const where = `WHERE mailing_id = ? AND idx >= ? AND idx < ? AND status = 'sending'`;
  let inFlight = 0;
  for (const table of SOURCES.map((source) => session.tables[source])) {
    inFlight += await (resend
      ? session.change(
          `UPDATE ${table} SET attempts = attempts + 1, changed_at = ${session.dialect.now}, status = 'pending' ${where}`,
          [mailingId, fromIdx, toIdx],
        )
      : session.change(`UPDATE ${table} SET ${inDoubt(session)} ${where}`, [
          doubt,
          mailingId,
          fromIdx,
          toIdx,
        ]));
  }
  return inFlight;
}

/** Recipients at a further attempt may have any idx; `dps_mail_deferred` names them. */
async function settleAgain(
  session: Session,
  mailingId: string,
  indexes: number[],
  { resend, doubt }: Omit<SettleTerms, 'knownOutcomes'>,
): Promise<number> {
  const where = `WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = 'sending'`;
  let inFlight = 0;
  for (const table of SOURCES.map((source) => session.tables[source])) {
    inFlight += await (resend
      ? session.change(
          `UPDATE ${table} SET attempts = attempts + 1, ${dueNow(session)}, status = 'deferred' ${where}`,
          [mailingId, ...indexes],
        )
      : session.change(`UPDATE ${table} SET ${inDoubt(session)} ${where}`, [doubt, mailingId, ...indexes]));
  }
  await unscheduleAttempts(session, mailingId, indexes);
  if (resend) {
    await scheduleAttempts(
      session,
      mailingId,
      indexes.map((idx) => ({ idx, delayMs: 0 })),
    );
  }
  return inFlight;
}

function dueNow({ dialect }: Session): string {
  return `next_attempt_at = ${dialect.now}, changed_at = ${dialect.now}`;
}

function inDoubt({ dialect }: Session): string {
  return `attempts = attempts + 1, changed_at = ${dialect.now}, error_code = 'in_doubt', error_text = ?, status = 'in_doubt'`;
}
