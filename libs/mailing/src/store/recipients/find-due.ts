import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { belongsTo } from '../database/progress-row.js';

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
