import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';

/** Deletes recipients from `dps_mail_deferred`; index: primary key. */
export function unscheduleAttempts(session: Session, mailingId: string, indexes: number[]): Promise<number> {
  return session.change(
    `DELETE FROM ${session.tables.mailDeferred} WHERE mailing_id = ? AND idx IN (${placeholders(indexes)})`,
    [mailingId, ...indexes],
  );
}
