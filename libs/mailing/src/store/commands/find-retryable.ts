import type { InvalidReason } from '../../model/mail/listed-recipient.js';
import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import type { RecipientTable } from '../recipients/open-recipient.js';
import { belongsTo } from '../database/progress-row.js';
import { inChunks, placeholders } from '../database/placeholders.js';

/** Which recipients a command applies to. */
export type RetryableStatus = 'error' | 'in_doubt' | 'skipped';

/** The counter that has recipients with this status. */
export function counterOf(status: RetryableStatus): 'num_errors' | 'num_skipped' {
  return status === 'skipped' ? 'num_skipped' : 'num_errors';
}

/**
 * Codes of entries of the list that can't be used. They are counted in the mailing's row when the list is written, also where it has batches, and no
 * attempt would make another recipient of them.
 */
const UNUSABLE: readonly InvalidReason[] = [
  'invalid_address',
  'invalid_recipient',
  'not_storable',
  'address_normalizer',
];

/**
 * One page of a mailing's batches that have recipients with this status, or in doubt; index: primary key.
 *
 * @param afterIdx `start_idx` of the last batch of the previous page.
 */
export async function findRetryableBatches(
  session: Session,
  mailingId: string,
  status: RetryableStatus,
  afterIdx: number,
  limit: number,
): Promise<Slice[]> {
  const rows = await session.rows<{ start_idx: number; end_idx: number }>(
    `SELECT start_idx, end_idx FROM ${session.tables.mailBatch}
     WHERE mailing_id = ? AND start_idx > ? AND ${counterOf(status)} > 0 ORDER BY start_idx LIMIT ${limit}`,
    [mailingId, afterIdx],
  );
  return rows.map((row) => ({
    mailingId,
    batch: { startIdx: Number(row.start_idx), endIdx: Number(row.end_idx) },
  }));
}

/**
 * The next recipients of one table with this status.
 *
 * - Index: a range of the primary key; `status` is a filter. One command of a person reads the whole list once. MySQL needs the hint: up to some
 *   20,000 recipients it prefers the key of addresses, and would read and sort the list for each page. The other databases read the hint as a
 *   comment.
 */
export async function findRetryable(
  session: Session,
  source: RecipientTable,
  slice: Slice,
  status: RetryableStatus,
  fromIdx: number,
  limit: number,
): Promise<number[]> {
  const own = belongsTo(slice);
  const isUsable = status === 'skipped' && source === 'emailAddress';
  const usable = isUsable ? `AND error_code NOT IN (${placeholders(UNUSABLE)})` : '';
  const rows = await session.rows<{ idx: number }>(
    `SELECT /*+ INDEX(r PRIMARY) */ idx FROM ${session.tables[source]} r
     WHERE ${own.sql} AND idx >= ? AND status = ? ${usable} ORDER BY idx LIMIT ${limit}`,
    [...own.parameters, fromIdx, status, ...(isUsable ? UNUSABLE : [])],
  );
  return rows.map((row) => Number(row.idx));
}

/** The profiles with these idx; index: primary key. */
export async function userIdsAt(session: Session, mailingId: string, indexes: number[]): Promise<string[]> {
  if (indexes.length === 0) return [];
  const rows = await session.rows<{ user_id: string }>(
    `SELECT user_id FROM ${session.tables.userMailing}
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) ORDER BY idx`,
    [mailingId, ...indexes],
  );
  return rows.map((row) => row.user_id);
}

/** Those of these idx that are in doubt; index: primary key. */
export async function stillInDoubt(
  session: Session,
  table: string,
  mailingId: string,
  indexes: number[],
): Promise<number[]> {
  const rows = await session.rows<{ idx: number }>(
    `SELECT idx FROM ${table} WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = 'in_doubt'`,
    [mailingId, ...indexes],
  );
  return rows.map((row) => Number(row.idx));
}

/** Whether one of these recipients is `pending` or `sending`; index: primary key. */
export async function hasUnsettled(
  session: Session,
  table: string,
  mailingId: string,
  indexes: number[],
): Promise<boolean> {
  const rows = await inChunks(indexes, async (chunk) => {
    const found = await session.rows(
      `SELECT 1 FROM ${table} WHERE mailing_id = ? AND idx IN (${placeholders(chunk)}) AND status IN ('pending', 'sending') LIMIT 1`,
      [mailingId, ...chunk],
    );
    return found.length;
  });
  return rows > 0;
}
