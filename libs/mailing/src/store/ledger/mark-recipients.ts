import type { Slice } from '../../model/states/slice.js';
import type { Found } from './found-recipient.js';
import type { Session } from '../database/mailing.database.js';
import { type OpenRecipient, SOURCES } from './open-recipient.js';
import { idxCondition } from '../database/idx-condition.js';
import { nameIntended } from './intent.js';
import { beginAttempts, findDue, markDue, readDeferred } from './begin-retries.js';
import { inChunks } from '../database/placeholders.js';

/**
 * Says in their rows that these are under way, where only the books have said it. By their places, and not as a range: others in it are
 * settled, and many if one of these takes long.
 */
export async function nameOpen(
  session: Session,
  { mailingId }: Slice,
  open: ReadonlyMap<number, OpenRecipient>,
): Promise<void> {
  for (const source of SOURCES) {
    const unnamed = [...open].filter(([, one]) => one.source === source && one.rowStatus === 'pending');
    const indexes = unnamed.map(([idx]) => idx);
    const named = await inChunks(indexes, (chunk) =>
      nameIntended(session, session.tables[source], idxCondition(mailingId, chunk, `status = 'pending'`)),
    );
    assertWritten('named', named, indexes.length);
  }
}

/** Retries of one commit; a bound for statements, the others come with the next one. */
const MAX_RETRIES = 1_000;

/** Marks those who are due for another attempt. */
export async function markNextRetries(session: Session, slice: Slice, free: number): Promise<Found[]> {
  const { mailingId } = slice;
  const due = free > 0 ? await findDue(session, slice, Math.min(free, MAX_RETRIES)) : [];
  if (due.length === 0) return [];
  const marked: Found[] = [];
  for (const source of SOURCES) {
    const rows = await readDeferred(session, source, mailingId, due);
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

/** @throws Error that rolls the commit back: the rows are not in the state that the books say. */
export function assertWritten(what: string, written: number, expected: number): void {
  if (written !== expected) {
    throw new Error(
      `Bug: ${written} recipients were ${what} where ${expected} should have been; nothing is committed.`,
    );
  }
}
