import type { Deferral, Outcome } from '../model/outcome.js';
import { COUNTER_OF } from '../model/recipient-status.js';
import type { Session } from './mailing.database.js';
import { assertWritten, type Place, SOURCES } from './recipient-marking.js';
import {
  deferRecipients,
  handBackDeferred,
  scheduleAttempts,
  unscheduleAttempts,
} from './statements/defer-recipients.js';
import { handBack } from './statements/hand-back.js';
import { inChunks } from './statements/placeholders.js';
import { writeOutcomes } from './statements/write-outcomes.js';

/** What became of recipients that are `sending`. */
export interface Ends {
  outcomes: Outcome[];
  deferred: Deferral[];
  /** Nothing was handed over. */
  returned: number[];
}

const NOBODY: ReadonlySet<Outcome> = new Set();

/**
 * Writes down what became of recipients, and keeps `dps_mail_deferred` in step.
 *
 * @param open where each of them lies.
 * @param later these are written by whoever calls.
 * @throws Error that rolls everything back if one of them is not `sending`.
 */
export async function writeEnds(
  session: Session,
  mailingId: string,
  open: ReadonlyMap<number, Place>,
  ends: Ends,
  later: ReadonlySet<Outcome> = NOBODY,
): Promise<void> {
  const isRetry = (idx: number): boolean => open.get(idx)?.isRetry === true;
  for (const source of SOURCES) {
    const isHere = (idx: number): boolean => open.get(idx)?.source === source;
    const table = session.tables[source];
    const outcomes = ends.outcomes.filter((one) => isHere(one.idx) && !later.has(one));
    const deferred = ends.deferred.filter((one) => isHere(one.idx));
    const returned = ends.returned.filter(isHere);
    const retries = returned.filter(isRetry);
    const firsts = returned.filter((idx) => !isRetry(idx));
    const written =
      (await inChunks(outcomes, (chunk) => writeOutcomes(session, table, mailingId, chunk))) +
      (await inChunks(deferred, (chunk) => deferRecipients(session, table, mailingId, chunk))) +
      (await inChunks(retries, (chunk) => handBackDeferred(session, table, mailingId, chunk))) +
      (await inChunks(firsts, (chunk) => handBack(session, table, mailingId, chunk)));
    assertWritten('settled', written, outcomes.length + deferred.length + returned.length);
  }
  await keepSchedule(session, mailingId, isRetry, ends);
}

/** Settled ones leave it, those refused for now or handed back get a time. */
async function keepSchedule(
  session: Session,
  mailingId: string,
  isRetry: (idx: number) => boolean,
  ends: Ends,
): Promise<void> {
  const returned = ends.returned.filter(isRetry);
  const touched = [...ends.outcomes, ...ends.deferred].map((one) => one.idx).filter(isRetry);
  const due = returned.map((idx) => ({ idx, delayMs: 0 }));
  await inChunks([...touched, ...returned], (chunk) => unscheduleAttempts(session, mailingId, chunk));
  await inChunks([...ends.deferred, ...due], (chunk) => scheduleAttempts(session, mailingId, chunk));
}

/** What outcomes add to the counters of the books. */
export function countsOf(outcomes: Outcome[]): { sent: number; errors: number; skipped: number } {
  const counts = { num_sent: 0, num_errors: 0, num_skipped: 0 };
  for (const one of outcomes) counts[COUNTER_OF[one.status]]++;
  return { sent: counts.num_sent, errors: counts.num_errors, skipped: counts.num_skipped };
}
