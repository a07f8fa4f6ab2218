import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { beginAttempts } from '../recipients/begin-attempts.js';
import { markDue } from '../recipients/mark-due.js';
import { inChunks } from '../database/placeholders.js';
import { RECIPIENT_TABLES } from '../recipients/open-recipient.js';

/** Maximum number of due deferred recipients that one query returns. */
export const DUE_AT_A_TIME = 1_000_000;

/** Marks recipients that the database shows as deferred, and that may have been tried again since. Other recipients in the list are not changed. */
export function beginForgottenAttempts(
  session: Session,
  { mailingId }: Slice,
  indexes: readonly number[],
): Promise<number> {
  return inChunks(indexes, async (chunk) => {
    for (const source of RECIPIENT_TABLES) await markDue(session, session.tables[source], mailingId, chunk);
    return beginAttempts(session, mailingId, chunk);
  });
}
