import type { Slice } from '../../model/states/slice.js';
import { COLUMNS_OF, type Found, type FoundRow, toFound } from './found-recipient.js';
import type { Session } from '../database/mailing.database.js';
import type { SourceName } from './open-recipient.js';
import { belongsTo } from '../database/progress-row.js';
import { placeholders } from '../database/placeholders.js';

/**
 * Recipients that are due for another attempt, longest due first, by the database's clock.
 *
 * - Index: `(mailing_id, next_attempt_at)`, a range of it in its own order; `LIMIT` ends it. Recipients at an attempt have no time and are outside of
 *   the range. A batch has at most as many rows as it has recipients, so the primary key is enough for it.
 */
export async function findDue(session: Session, slice: Slice, limit: number): Promise<number[]> {
  const own = belongsTo(slice);
  const rows = await session.rows<{ idx: number }>(
    `SELECT idx FROM ${session.tables.mailDeferred}
     WHERE ${own.sql} AND next_attempt_at <= ${session.dialect.now} ORDER BY next_attempt_at LIMIT ${limit}`,
    own.parameters,
  );
  return rows.map((row) => Number(row.idx));
}

/** @returns milliseconds until the next recipient is due, or null if none waits for an attempt; index as above. */
export async function nextDueInMs(session: Session, slice: Slice): Promise<number | null> {
  const { dialect } = session;
  const own = belongsTo(slice);
  const [row] = await session.rows<{ in_ms: number | string | null }>(
    `SELECT ${dialect.epochMs('MIN(next_attempt_at)')} - ${dialect.epochMs(dialect.now)} AS in_ms
     FROM ${session.tables.mailDeferred} WHERE ${own.sql}`,
    own.parameters,
  );
  return row.in_ms === null ? null : Math.max(0, Number(row.in_ms));
}

/** Reads deferred recipients of one table by idx; index: primary key. */
export async function readDeferred(
  session: Session,
  source: SourceName,
  mailingId: string,
  indexes: number[],
): Promise<Found[]> {
  const rows = await session.rows<FoundRow>(
    `SELECT ${COLUMNS_OF[source]} FROM ${session.tables[source]}
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = 'deferred'`,
    [mailingId, ...indexes],
  );
  return rows.map((row) => toFound(source, row));
}

/**
 * Writes the intent for another attempt into the rows, because these recipients may have any idx.
 *
 * - Lock order: after the progress row; recipients before their rows in `dps_mail_deferred`.
 * - The rows in `dps_mail_deferred` stay, without a time, until the recipients are settled: recovery finds by them recipients with an idx below
 *   `low_water_idx`.
 * - Rejected: lowering `low_water_idx` to them. One recipient deferred at the head of a long list would make every recovery read the list.
 *
 * @returns how many rows were marked.
 */
export function markDue(
  session: Session,
  table: string,
  mailingId: string,
  indexes: number[],
): Promise<number> {
  return session.change(
    `UPDATE ${table} SET status = 'sending', changed_at = ${session.dialect.now}, next_attempt_at = NULL
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = 'deferred'`,
    [mailingId, ...indexes],
  );
}

/** Records that these recipients are at a further attempt; see `markDue`. */
export function beginAttempts(session: Session, mailingId: string, indexes: number[]): Promise<number> {
  return session.change(
    `UPDATE ${session.tables.mailDeferred} SET next_attempt_at = NULL
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)})`,
    [mailingId, ...indexes],
  );
}

/**
 * Idx of the recipients that were at a further attempt when a run died, for recovery. At most `maxInDoubt`; more after a failover that rewound the
 * database.
 */
export async function attemptsUnderWay(session: Session, slice: Slice): Promise<number[]> {
  const own = belongsTo(slice);
  const rows = await session.rows<{ idx: number }>(
    `SELECT idx FROM ${session.tables.mailDeferred} WHERE ${own.sql} AND next_attempt_at IS NULL`,
    own.parameters,
  );
  return rows.map((row) => Number(row.idx));
}
