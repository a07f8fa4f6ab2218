import type { Deferral, Outcome } from '../../model/states/outcome.js';
import { COUNTER_OF } from '../../model/states/recipient-status.js';
import type { Session } from '../database/mailing.database.js';
import { assertWritten } from './mark-recipients.js';
import { type OpenRecipient, RECIPIENT_TABLES } from '../recipients/open-recipient.js';
import { deferRecipients } from '../recipients/defer-recipients.js';
import { handBackDeferred } from '../recipients/hand-back-deferred.js';
import { scheduleAttempts } from '../recipients/schedule-attempts.js';
import { unscheduleAttempts } from '../recipients/unschedule-attempts.js';
import { handBack } from '../recipients/hand-back-recipients.js';
import { inChunks } from '../database/placeholders.js';
import { writeOutcomes } from '../recipients/write-outcomes.js';

/** What became of recipients that were in flight. */
export interface Ends {
  outcomes: Outcome[];
  deferred: Deferral[];
  /** Recipients of which nothing was handed over. */
  returned: number[];
}

/**
 * Writes outcomes, deferrals and hand-backs into the recipients' rows, and updates `dps_mail_deferred` to match.
 *
 * @param open table and row status of each recipient; recipients that are handed back all have `sending`.
 * @throws Error that rolls everything back if one of the rows has another status.
 */
export async function writeEnds(
  session: Session,
  mailingId: string,
  open: ReadonlyMap<number, OpenRecipient>,
  ends: Ends,
): Promise<void> {
  for (const source of RECIPIENT_TABLES) {
    for (const rowStatus of ['pending', 'sending'] as const) {
      const isHere = (idx: number): boolean => {
        const recipient = open.get(idx);
        return recipient?.source === source && recipient.rowStatus === rowStatus;
      };
      const outcomes = ends.outcomes.filter((one) => isHere(one.idx));
      const deferred = ends.deferred.filter((one) => isHere(one.idx));
      const table = session.tables[source];
      const written =
        (await inChunks(outcomes, (chunk) => writeOutcomes(session, table, mailingId, rowStatus, chunk))) +
        (await inChunks(deferred, (chunk) => deferRecipients(session, table, mailingId, rowStatus, chunk)));
      assertWritten('settled', written, outcomes.length + deferred.length);
    }
  }
  await returnRecipients(session, mailingId, open, ends.returned);
  await keepSchedule(session, mailingId, open, ends);
}

async function returnRecipients(
  session: Session,
  mailingId: string,
  open: ReadonlyMap<number, OpenRecipient>,
  returned: number[],
): Promise<void> {
  for (const source of RECIPIENT_TABLES) {
    const table = session.tables[source];
    const here = returned.filter((idx) => open.get(idx)?.source === source);
    const retries = here.filter((idx) => open.get(idx)?.isRetry);
    const firsts = here.filter((idx) => !open.get(idx)?.isRetry);
    const written =
      (await inChunks(retries, (chunk) => handBackDeferred(session, table, mailingId, chunk))) +
      (await inChunks(firsts, (chunk) => handBack(session, table, mailingId, chunk)));
    assertWritten('handed back', written, here.length);
  }
}

/**
 * Retries that are settled lose their row in `dps_mail_deferred`. Recipients that are deferred, and retries that are handed back, get a row with a
 * time.
 */
async function keepSchedule(
  session: Session,
  mailingId: string,
  open: ReadonlyMap<number, OpenRecipient>,
  ends: Ends,
): Promise<void> {
  const isRetry = (idx: number): boolean => open.get(idx)?.isRetry === true;
  const returned = ends.returned.filter(isRetry);
  const touched = [...ends.outcomes, ...ends.deferred].map((one) => one.idx).filter(isRetry);
  const due = returned.map((idx) => ({ idx, delayMs: 0 }));
  await inChunks([...touched, ...returned], (chunk) => unscheduleAttempts(session, mailingId, chunk));
  await inChunks([...ends.deferred, ...due], (chunk) => scheduleAttempts(session, mailingId, chunk));
}

/** What outcomes add to the counters of the progress row. */
export function countsOf(outcomes: Outcome[]): { sent: number; errors: number; skipped: number } {
  const counts = { num_sent: 0, num_errors: 0, num_skipped: 0 };
  for (const one of outcomes) counts[COUNTER_OF[one.status]]++;
  return { sent: counts.num_sent, errors: counts.num_errors, skipped: counts.num_skipped };
}
