import { toPublicText } from '../../model/values/public-text.js';
import type { Session } from '../database/mailing.database.js';

/**
 * Fails a list that its living writer could not complete.
 *
 * - Lock: the mailing's row, in a transaction of its own; index: primary key.
 * - The guard is the writer's token and `loading`: a list that is complete after all is left alone.
 *
 * @returns false if the list is no longer being written under this token.
 */
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
