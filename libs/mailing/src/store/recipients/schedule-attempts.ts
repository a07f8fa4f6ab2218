import type { Session } from '../database/mailing.database.js';

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
