import { toPublicText } from '../../model/values/public-text.js';
import type { Session } from '../database/mailing.database.js';

/** Fails a list that its living writer could not complete. */
export async function failList(
  session: Session,
  mailingId: string,
  claimToken: string,
  reason: string,
): Promise<boolean> {
  const changed = await session.change(
    `UPDATE ${session.tables.mailing}
     SET status = 'failed', status_reason = ?, claim_token = NULL, commit_seq = commit_seq + 1, end_time = ${session.dialect.now}
     WHERE id = ? AND claim_token = ? AND status = 'loading'`,
    [toPublicText(reason), mailingId, claimToken],
  );
  return changed === 1;
}
