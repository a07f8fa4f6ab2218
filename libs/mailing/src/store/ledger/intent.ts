import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { progressRowOf, type SqlPart } from '../database/progress-row.js';

/** How far the intent to send goes, in the row with the books; see `MailingLedger`. */
export interface Intent {
  /** Whoever is `pending` before it is under way. */
  nextIdx: number;
  /** Nobody from here on was ever under way. Not less than `nextIdx`. */
  highWaterIdx: number;
}

/**
 * Sets it where the row with the books is locked already: it corrects what `fenceCommit` has foreseen (another attempt took a place, or the
 * list has gaps), or goes back to where recovery begins.
 */
export function moveIntent(
  session: Session,
  slice: Slice,
  { nextIdx, highWaterIdx }: Intent,
): Promise<number> {
  const progress = progressRowOf(session, slice);
  return session.change(
    `UPDATE ${progress.table} SET next_idx = ?, high_water_idx = ? WHERE ${progress.sql}`,
    [nextIdx, highWaterIdx, ...progress.parameters],
  );
}

/**
 * Says in rows of one table what the numbers of the books say of them: they are under way. Wanted where a number can't tell those under
 * way from others any more: somebody among them is handed back, or their run is dead. At most `maxInDoubt`.
 *
 * - Lock order: after the row with the books; ranges of the primary key.
 * - The same transaction sets `next_idx` down to where the first of those begins who are not.
 *
 * @param those who are under way by a number: rows that are `pending`.
 * @returns how many rows were changed.
 */
export function nameIntended(session: Session, table: string, those: SqlPart): Promise<number> {
  return session.change(
    `UPDATE ${table} SET status = 'sending', changed_at = ${session.dialect.now} WHERE ${those.sql}`,
    those.parameters,
  );
}
