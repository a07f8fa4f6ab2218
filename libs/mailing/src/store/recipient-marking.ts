import type { Slice } from '../model/slice.js';
import type { Session } from './mailing.database.js';
import { type Found, SOURCES } from './recipient-place.js';
import {
  beginAttempts,
  findDue,
  markDue,
  readDeferredAddresses,
  readDeferredProfiles,
} from './statements/mark-due.js';

const READ_DEFERRED = { emailAddress: readDeferredAddresses, userMailing: readDeferredProfiles };

/** Retries of one beat; a bound for statements, the others come with the next one. */
const MOST_RETRIES = 1_000;

/** Marks those who are due for another attempt. */
export async function markNextRetries(session: Session, slice: Slice, free: number): Promise<Found[]> {
  const { mailingId } = slice;
  const due = free > 0 ? await findDue(session, slice, Math.min(free, MOST_RETRIES)) : [];
  if (due.length === 0) return [];
  const marked: Found[] = [];
  for (const source of SOURCES) {
    const rows = await READ_DEFERRED[source](session, mailingId, due);
    if (rows.length === 0) continue;
    const indexes = rows.map((row) => row.idx);
    const changed = await markDue(session, session.tables[source], mailingId, indexes);
    assertWritten('marked', changed, indexes.length);
    marked.push(...rows);
  }
  assertWritten('found', marked.length, due.length);
  await beginAttempts(session, mailingId, due);
  return marked;
}

/** @throws Error that rolls the beat back: the rows are not in the state that the books say. */
export function assertWritten(what: string, written: number, expected: number): void {
  if (written !== expected) {
    throw new Error(
      `Bug: ${written} recipients were ${what} where ${expected} should have been; nothing is committed.`,
    );
  }
}
