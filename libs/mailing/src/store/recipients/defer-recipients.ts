import { MAX_ERROR_TEXT, type Deferral } from '../../model/states/outcome.js';
import { cutText } from '../../model/values/bounded-text.js';
import type { Session } from '../database/mailing.database.js';
import type { OpenStatus } from './open-recipient.js';
import { casePerIdx, MAX_CODE } from './case-per-idx.js';
import { placeholders } from '../database/placeholders.js';

/**
 * Writes into the recipients' own table that the mail server refused them for now: why, and when to try again.
 *
 * - Lock order: after the progress row (`fenceCommit`); recipients in order of the primary key. The rows of `dps_mail_deferred` come after them
 *   (`scheduleAttempts`). No statement takes them in the other order.
 * - `status` guards each row, as for outcomes. The caller compares the returned count.
 *
 * @returns how many rows were deferred.
 */
export function deferRecipients(
  session: Session,
  table: string,
  mailingId: string,
  rowStatus: OpenStatus,
  deferrals: Deferral[],
): Promise<number> {
  const code = casePerIdx(deferrals, (one) => cutText(one.code, MAX_CODE));
  const text = casePerIdx(deferrals, (one) => cutText(one.text, MAX_ERROR_TEXT));
  const due = casePerIdx(deferrals, (one) => one.delayMs, session.dialect.inMs);
  const indexes = deferrals.map((one) => one.idx);
  return session.change(
    `UPDATE ${table} SET status = 'deferred', changed_at = ${session.dialect.now}, attempts = attempts + 1, error_code = ${code.sql},
       error_text = ${text.sql}, next_attempt_at = ${due.sql}
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = '${rowStatus}'`,
    [...code.parameters, ...text.parameters, ...due.parameters, mailingId, ...indexes],
  );
}
