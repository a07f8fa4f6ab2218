import type { Session } from '../mailing.database.js';
import { amongPlaces } from './among-places.js';

/** Of one recipient table: who is through, and who is next. */
export interface TurnOver {
  sent: readonly number[];
  firstIdx: number;
  lastIdx: number;
}

/**
 * Writes who was sent to and commits the intent for those who are next, in one statement: `writeOutcomes` and `markSending` of
 * a beat in which nothing else happens to them. A beat is a chain of statements that wait for each other, and meanwhile a fast
 * mailing uses up what is marked; this is one link less.
 *
 * - Lock order: after the row with the books (`fenceBeat`); ranges of the primary key, in its order.
 * - Index: primary key `(mailing_id, idx)`, named in each arm (`amongPlaces`); checked by `test/db/plans.spec.ts`. Of a list of 1,000,000
 *   it reads the 88 rows that it changes, three runs and three single places: 0.9 to 1.2 ms on MariaDB (one `range`), 0.7 to 0.9 ms on
 *   PostgreSQL (`BitmapOr` of five).
 * - Each arm has its guard, and a row is in one state: the sum of both counts is right only if each is.
 * - `status` is assigned last: MySQL reads the columns that it has assigned already, the others read the row as it was.
 * - Rejected: both arms guarded by one `status IN (…)`: a row of the range that is `sending` would be called sent.
 *
 * @returns how many rows were settled and marked.
 */
export function turnOver(
  session: Session,
  table: string,
  mailingId: string,
  { sent, firstIdx, lastIdx }: TurnOver,
): Promise<number> {
  const ifSent = (value: string, otherwise: string): string =>
    `CASE WHEN status = 'sending' THEN ${value} ELSE ${otherwise} END`;
  const settled = amongPlaces(mailingId, sent, `status = 'sending'`);
  return session.change(
    `UPDATE ${table} SET attempts = ${ifSent('attempts + 1', 'attempts')},
       changed_at = ${session.dialect.now},
       error_code = ${ifSent('NULL', 'error_code')}, error_text = ${ifSent('NULL', 'error_text')},
       status = ${ifSent("'sent'", "'sending'")}
     WHERE ${settled.sql} OR (mailing_id = ? AND idx BETWEEN ? AND ? AND status = 'pending')`,
    [...settled.parameters, mailingId, firstIdx, lastIdx],
  );
}
