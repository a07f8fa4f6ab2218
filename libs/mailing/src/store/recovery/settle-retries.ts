import type { Session } from '../database/mailing.database.js';
import { RECIPIENT_TABLES } from '../recipients/open-recipient.js';
import { scheduleAttempts } from '../recipients/schedule-attempts.js';
import { unscheduleAttempts } from '../recipients/unschedule-attempts.js';
import { placeholders } from '../database/placeholders.js';
import { type SettleTerms, unknownOutcome } from './settle-terms.js';

/**
 * Settles recipients of unknown outcome that are at a further attempt. They may have any idx; `dps_mail_deferred` names them.
 *
 * - Lock order: after the progress row; recipients before their rows in `dps_mail_deferred`. Index: primary keys.
 *
 * @returns how many there were.
 */
export async function settleRetries(
  session: Session,
  mailingId: string,
  indexes: number[],
  terms: SettleTerms,
): Promise<number> {
  const set = unknownOutcome(session, terms, 'deferred');
  let numSettled = 0;
  for (const source of RECIPIENT_TABLES) {
    numSettled += await session.change(
      `UPDATE ${session.tables[source]} SET ${set.sql}
       WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = 'sending'`,
      [...set.parameters, mailingId, ...indexes],
    );
  }
  await unscheduleAttempts(session, mailingId, indexes);
  if (terms.resend) {
    await scheduleAttempts(
      session,
      mailingId,
      indexes.map((idx) => ({ idx, delayMs: 0 })),
    );
  }
  return numSettled;
}
