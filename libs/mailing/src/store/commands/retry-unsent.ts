import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { inChunks, placeholders } from '../database/placeholders.js';
import { diedText } from '../recipients/died-text.js';
import type { RecipientTable } from '../recipients/open-recipient.js';
import { retryRecipients } from './retry-recipients.js';

/** A claim that was taken from this process. */
export interface LostClaim {
  claimToken: string;
  /** The last commit that its run knows to be written; the next one may have been written, too. */
  commitSeq: number;
}

/**
 * Makes recipients due for another attempt that the recovery of a lost claim has recorded as in doubt, and that were never handed over. The caller knows
 * that from the run of that claim, and holds the lock of the progress row.
 *
 * - Lock order: as `retryRecipients`. Index: primary keys; `error_text` is a filter.
 * - The guard is `error_text`: it names the lost claim and the commit at which it was lost. A recipient that was tried again since, or whose earlier
 *   outcomes the database has forgotten, has another text.
 *
 * @returns how many.
 */
export function retryUnsent(
  session: Session,
  slice: Slice,
  source: RecipientTable,
  indexes: number[],
  { claimToken, commitSeq }: LostClaim,
): Promise<number> {
  const table = session.tables[source];
  const texts = [diedText(claimToken, commitSeq), diedText(claimToken, commitSeq + 1)];
  return inChunks(indexes, async (chunk) => {
    const rows = await session.rows<{ idx: number }>(
      `SELECT idx FROM ${table}
       WHERE mailing_id = ? AND idx IN (${placeholders(chunk)}) AND status = 'in_doubt' AND error_text IN (?, ?)`,
      [slice.mailingId, ...chunk, ...texts],
    );
    const unsent = rows.map(({ idx }) => Number(idx));
    if (unsent.length > 0) await retryRecipients(session, table, slice, 'in_doubt', unsent);
    return unsent.length;
  });
}
