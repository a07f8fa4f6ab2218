import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { booksOf } from '../database/slice-books.js';

/**
 * Locks the books of a slice as the first statement of an order over its recipients, in the order of a beat: the books first,
 * recipients after it. The row itself is not changed.
 */
export async function lockBooks(session: Session, slice: Slice): Promise<void> {
  const books = booksOf(session, slice);
  await session.change(`UPDATE ${books.table} SET status = status WHERE ${books.sql}`, books.parameters);
}
