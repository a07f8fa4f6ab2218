import { MAX_ERROR_TEXT, type Deferral } from '../../model/states/outcome.js';
import type { Session } from '../database/mailing.database.js';
import type { OpenStatus } from './open-recipient.js';
import { placeholders } from '../database/placeholders.js';

const MAX_CODE = 64;

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
  const perRow = (then: string, value: (one: Deferral) => unknown) => ({
    sql: `CASE idx ${deferrals.map(() => `WHEN ? THEN ${then}`).join(' ')} END`,
    parameters: deferrals.flatMap((one) => [one.idx, value(one)]),
  });
  const code = perRow('?', (one) => one.code.slice(0, MAX_CODE));
  const text = perRow('?', (one) => one.text.slice(0, MAX_ERROR_TEXT));
  const due = perRow(session.dialect.inMs, (one) => one.delayMs);
  const indexes = deferrals.map((one) => one.idx);
  return session.change(
    `UPDATE ${table} SET status = 'deferred', changed_at = ${session.dialect.now}, attempts = attempts + 1, error_code = ${code.sql},
       error_text = ${text.sql}, next_attempt_at = ${due.sql}
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = '${rowStatus}'`,
    [...code.parameters, ...text.parameters, ...due.parameters, mailingId, ...indexes],
  );
}

/**
 * Hands back recipients that were at a further attempt: they are due again at once, and no attempt is counted.
 *
 * @returns how many rows were handed back.
 */
export function handBackDeferred(
  session: Session,
  table: string,
  mailingId: string,
  indexes: number[],
): Promise<number> {
  return session.change(
    `UPDATE ${table} SET status = 'deferred', changed_at = ${session.dialect.now},
       next_attempt_at = ${session.dialect.now}
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = 'sending'`,
    [mailingId, ...indexes],
  );
}

/**
 * Inserts attempts into `dps_mail_deferred`. Existing rows of these recipients have to be deleted first (`unscheduleAttempts`): a plain insert,
 * unlike an upsert, is the same on every database.
 */
export function scheduleAttempts(
  session: Session,
  mailingId: string,
  attempts: { idx: number; delayMs: number }[],
): Promise<number> {
  return session.change(
    `INSERT INTO ${session.tables.mailDeferred} (mailing_id, idx, next_attempt_at)
     VALUES ${attempts.map(() => `(?, ?, ${session.dialect.inMs})`).join(', ')}`,
    attempts.flatMap(({ idx, delayMs }) => [mailingId, idx, delayMs]),
  );
}

/** Deletes recipients from `dps_mail_deferred`; index: primary key. */
export function unscheduleAttempts(session: Session, mailingId: string, indexes: number[]): Promise<number> {
  return session.change(
    `DELETE FROM ${session.tables.mailDeferred} WHERE mailing_id = ? AND idx IN (${placeholders(indexes)})`,
    [mailingId, ...indexes],
  );
}
