import type { Slice } from '../../model/states/slice.js';
import type { Found } from '../recipients/found-recipient.js';
import type { Session } from '../database/mailing.database.js';
import { type OpenRecipient, RECIPIENT_TABLES } from '../recipients/open-recipient.js';
import { idxCondition } from '../database/idx-condition.js';
import { nameIntended } from '../recipients/name-intended.js';
import { beginAttempts } from '../recipients/begin-attempts.js';
import { findDue } from '../recipients/find-due.js';
import { markDue } from '../recipients/mark-due.js';
import { readDeferred } from '../recipients/read-deferred.js';
import { inChunks } from '../database/placeholders.js';

/**
 * Sets the rows of recipients that are in flight because of `next_idx` to `sending`. By idx, and not as a range: other rows of the range are settled,
 * and there are many if one message takes long.
 */
export async function nameOpen(
  session: Session,
  { mailingId }: Slice,
  open: ReadonlyMap<number, OpenRecipient>,
): Promise<void> {
  for (const source of RECIPIENT_TABLES) {
    const unnamed = [...open].filter(([, one]) => one.source === source && one.rowStatus === 'pending');
    const indexes = unnamed.map(([idx]) => idx);
    const named = await inChunks(indexes, (chunk) =>
      nameIntended(session, session.tables[source], idxCondition(mailingId, chunk, `status = 'pending'`)),
    );
    assertWritten('named', named, indexes.length);
  }
}

/** Maximum number of retries that one commit marks, a bound for its statements. The next commit marks the rest. */
const MAX_RETRIES = 1_000;

/** Marks at most `capacity` recipients that are due for another attempt. */
export async function markNextRetries(session: Session, slice: Slice, capacity: number): Promise<Found[]> {
  const { mailingId } = slice;
  const due = capacity > 0 ? await findDue(session, slice, Math.min(capacity, MAX_RETRIES)) : [];
  if (due.length === 0) return [];
  const marked: Found[] = [];
  for (const source of RECIPIENT_TABLES) {
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

/** @throws Error that rolls the commit back if the counts differ: rows are not in the state that the ledger expects. */
export function assertWritten(what: string, written: number, expected: number): void {
  if (written !== expected) {
    throw new Error(
      `Bug: ${written} recipients were ${what} where ${expected} should have been; nothing is committed.`,
    );
  }
}
