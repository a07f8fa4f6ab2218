import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { Slice } from '../../model/states/slice.js';
import type { MailingDatabase } from '../database/mailing.database.js';
import { inChunks, placeholders } from '../database/placeholders.js';
import { readMailingStatus } from '../database/read-mailing-status.js';
import { diedText } from '../recipients/died-text.js';
import { RECIPIENT_TABLES } from '../recipients/open-recipient.js';
import { lockProgress } from './lock-progress.js';
import { retryRecipients } from './retry-recipients.js';

/** A claim that was taken from this process. */
export interface LostClaim {
  claimToken: string;
  /** The last commit that its run knows to be written; the next one may have been written, too. */
  commitSeq: number;
}

/**
 * Makes recipients due for another attempt that the recovery of a lost claim has recorded as in doubt, and that no mail server has. The caller knows
 * that from the run of that claim.
 *
 * - Lock order: as `retryRecipients`. Index: primary keys; `error_text` is a filter.
 * - The guard is `error_text`: it names the lost claim and the commit at which it was lost. A recipient that was tried again since, or whose earlier
 *   outcomes the database has forgotten, has another text.
 * - A mailing that has ended stays as it is: to open it again is a decision of a person (`retry`).
 *
 * @returns how many.
 */
export function retryUnsent(
  database: MailingDatabase,
  slice: Slice,
  indexes: number[],
  { claimToken, commitSeq }: LostClaim,
): Promise<number> {
  const { mailingId } = slice;
  return database.transaction(async (session) => {
    await lockProgress(session, slice);
    if (ENDED.includes(await readMailingStatus(session, mailingId))) return 0;
    const texts = [diedText(claimToken, commitSeq), diedText(claimToken, commitSeq + 1)];
    let count = 0;
    for (const source of RECIPIENT_TABLES) {
      const table = session.tables[source];
      count += await inChunks(indexes, async (chunk) => {
        const rows = await session.rows<{ idx: number }>(
          `SELECT idx FROM ${table}
           WHERE mailing_id = ? AND idx IN (${placeholders(chunk)}) AND status = 'in_doubt' AND error_text IN (?, ?)`,
          [mailingId, ...chunk, ...texts],
        );
        const unsent = rows.map(({ idx }) => Number(idx));
        if (unsent.length > 0) await retryRecipients(session, table, slice, 'in_doubt', unsent);
        return unsent.length;
      });
    }
    return count;
  });
}

const ENDED: readonly MailingStatus[] = ['completed', 'canceling', 'canceled', 'failed'];
