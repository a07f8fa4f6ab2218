import type { Outcome } from '../model/outcome.js';
import type { MarkedRecipient } from '../model/recipient.js';
import type { Slice } from '../model/slice.js';
import type { Session } from './mailing.database.js';
import {
  beginAttempts,
  findDue,
  markDue,
  readDeferredAddresses,
  readDeferredProfiles,
} from './statements/mark-due.js';
import { markSending } from './statements/mark-next.js';
import { inChunks } from './statements/placeholders.js';
import { turnOver } from './statements/turn-over.js';
import { writeOutcomes } from './statements/write-outcomes.js';

/** The two recipient tables, as names of `TableNames`. */
export const SOURCES = ['emailAddress', 'userMailing'] as const;

export type SourceName = (typeof SOURCES)[number];

/** Where an open recipient lies, and whether it was deferred before. */
export interface Place {
  source: SourceName;
  isRetry: boolean;
}

/** A recipient that has just been marked, with its table. */
export type Found = MarkedRecipient & { source: SourceName };

/** With more, a database spends more on telling the two apart, row by row, than one statement costs. */
const MOST_TURNED_OVER = 200;

const READ_DEFERRED = { emailAddress: readDeferredAddresses, userMailing: readDeferredProfiles };

/**
 * Marks the next ones of the list, which were read before, from both tables in one order of sending, and writes who was sent
 * to since the last beat.
 *
 * @param sent of each table.
 */
export async function turnRecipientsOver(
  session: Session,
  { mailingId }: Slice,
  sent: (source: SourceName) => Outcome[],
  firsts: readonly Found[],
): Promise<void> {
  for (const source of SOURCES) {
    const table = session.tables[source];
    const next = firsts.filter((one) => one.source === source);
    const through = sent(source);
    const [firstIdx, lastIdx] = [next[0]?.idx, next[next.length - 1]?.idx];
    if (next.length > 0 && through.length > 0 && through.length + next.length <= MOST_TURNED_OVER) {
      const indexes = through.map((one) => one.idx);
      const changed = await turnOver(session, table, mailingId, { sent: indexes, firstIdx, lastIdx });
      assertWritten('settled and marked', changed, through.length + next.length);
      continue;
    }
    const settled = await inChunks(through, (chunk) => writeOutcomes(session, table, mailingId, chunk));
    assertWritten('settled', settled, through.length);
    if (next.length === 0) continue;
    const marked = await markSending(session, table, mailingId, firstIdx, lastIdx);
    assertWritten('marked', marked, next.length);
  }
}

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
    marked.push(...rows.map((row) => ({ ...row, source })));
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
