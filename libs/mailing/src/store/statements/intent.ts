import type { Slice } from '../../model/slice.js';
import type { Session } from '../mailing.database.js';
import { booksOf } from '../slice-books.js';

/** How far the intent to send goes, in the row with the books; see `MailingLedger`. */
export interface Intent {
  /** Whoever is `pending` before it is under way. */
  nextIdx: number;
  /** No row from here on says `sending`. Not less than `nextIdx`. */
  reachIdx: number;
}

/** Corrects what `fenceBeat`, which has the row locked, has foreseen: another attempt took a place, or the list has gaps. */
export function moveIntent(session: Session, slice: Slice, { nextIdx, reachIdx }: Intent): Promise<number> {
  const books = booksOf(session, slice);
  return session.change(`UPDATE ${books.table} SET next_idx = ?, reach_idx = ? WHERE ${books.sql}`, [
    nextIdx,
    reachIdx,
    ...books.parameters,
  ]);
}

/**
 * Says in the rows of one table what the numbers of the books say of them: they are under way. Wanted where a number can't tell
 * those under way from others any more: somebody among them is handed back, or their run is dead.
 *
 * - Lock order: after the row with the books; a range of the primary key, from `settled_idx` to `next_idx`. What is `pending` in it
 *   are the first attempts under way, at most `maxInDoubt`.
 * - The same transaction sets `next_idx` down to where the first of those begins who are not.
 *
 * @returns how many rows were changed.
 */
export function nameIntended(
  session: Session,
  table: string,
  mailingId: string,
  { fromIdx, toIdx }: { fromIdx: number; toIdx: number },
): Promise<number> {
  return session.change(
    `UPDATE ${table} SET status = 'sending', changed_at = ${session.dialect.now}
     WHERE mailing_id = ? AND idx >= ? AND idx < ? AND status = 'pending'`,
    [mailingId, fromIdx, toIdx],
  );
}
