import type { Slice } from '../../model/states/slice.js';
import type { MailingDatabase, Session } from '../database/mailing.database.js';
import { inChunks } from '../database/placeholders.js';
import { RECIPIENT_TABLES, type RecipientTable } from '../recipients/open-recipient.js';
import { stillInDoubt } from './find-retryable.js';
import { lockProgress } from './lock-progress.js';
import type { DoubtfulRow } from './read-doubtful.js';
import { retryRecipients } from './retry-recipients.js';
import { settleInDoubtRows } from './settle-in-doubt.js';

/**
 * Carries out the verdict of a resolver on these recipients, in one transaction.
 *
 * @returns idx of the recipients that were still in doubt, and are not any more.
 */
export async function resolveDoubtful(
  database: MailingDatabase,
  slice: Slice,
  rows: DoubtfulRow[],
  verdict: 'sent' | 'resend',
): Promise<Set<number>> {
  if (rows.length === 0) return new Set();
  return database.transaction(async (session) => {
    await lockProgress(session, slice);
    const changed = new Set<number>();
    for (const source of RECIPIENT_TABLES) {
      const asked = rows.filter((row) => row.source === source).map((row) => row.idx);
      // A person may have settled some of them while the host was asked.
      for (const idx of await settleDoubtful(session, slice, source, asked, verdict)) changed.add(idx);
    }
    return changed;
  });
}

/** Call it under the lock of the slice's progress row. @returns idx of the recipients that were in doubt, and are not any more. */
export async function settleDoubtful(
  session: Session,
  slice: Slice,
  source: RecipientTable,
  indexes: number[],
  verdict: 'sent' | 'resend',
): Promise<number[]> {
  const table = session.tables[source];
  const changed: number[] = [];
  await inChunks(indexes, async (chunk) => {
    const inDoubt = await stillInDoubt(session, table, slice.mailingId, chunk);
    if (inDoubt.length === 0) return 0;
    if (verdict === 'sent') await settleInDoubtRows(session, table, slice, inDoubt, 'sent');
    else await retryRecipients(session, table, slice, 'in_doubt', inDoubt);
    changed.push(...inDoubt);
    return inDoubt.length;
  });
  return changed;
}
