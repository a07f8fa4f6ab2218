import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';

/** Records that these recipients are at a further attempt; see `markDue`. */
export function beginAttempts(session: Session, mailingId: string, indexes: number[]): Promise<number> {
  return session.change(
    `UPDATE ${session.tables.mailDeferred} SET next_attempt_at = NULL
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)})`,
    [mailingId, ...indexes],
  );
}
