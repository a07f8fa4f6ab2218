import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { NAME_COLUMN_OF, type RecipientTable } from '../recipients/open-recipient.js';
import { inChunks, placeholders } from '../database/placeholders.js';
import type { IdxRange } from './settle-terms.js';

/** A recipient that is marked as in flight. */
export interface Marked {
  idx: number;
  userId: string | null;
  isRetry: boolean;
}

/**
 * Recipients of one table whose rows are `sending`.
 *
 * - Index: primary key; a range of it for first attempts, single idx for further ones.
 *
 * @param again recipients at a further attempt, at any idx.
 */
export async function findMarked(
  session: Session,
  source: RecipientTable,
  { mailingId }: Slice,
  { fromIdx, toIdx }: IdxRange,
  again: number[],
): Promise<Marked[]> {
  const columns = source === 'userMailing' ? `idx, ${NAME_COLUMN_OF.userMailing}` : 'idx';
  const select = `SELECT ${columns} FROM ${session.tables[source]} WHERE mailing_id = ?`;
  const found: Marked[] = [];
  const note = (rows: { idx: number; user_id?: string }[], isRetry: boolean): number => {
    for (const row of rows) found.push({ idx: Number(row.idx), userId: row.user_id ?? null, isRetry });
    return rows.length;
  };
  await inChunks(again, async (chunk) =>
    note(
      await session.rows(`${select} AND idx IN (${placeholders(chunk)}) AND status = 'sending'`, [
        mailingId,
        ...chunk,
      ]),
      true,
    ),
  );
  const isAgain = new Set(again);
  const firsts = await session.rows<{ idx: number; user_id?: string }>(
    `${select} AND idx >= ? AND idx < ? AND status = 'sending'`,
    [mailingId, fromIdx, toIdx],
  );
  note(
    firsts.filter((row) => !isAgain.has(Number(row.idx))),
    false,
  );
  return found;
}
