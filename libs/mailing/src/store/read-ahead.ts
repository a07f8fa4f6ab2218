import type { Slice } from '../model/slice.js';
import type { Session } from './mailing.database.js';
import { type Found, SOURCES, type SourceName } from './recipient-marking.js';
import { readNextAddresses, readNextProfiles } from './statements/mark-next.js';

/** Rows of one look at the list, unless more are to be marked at once. */
const ROWS_PER_LOOK = 200;

const READ_NEXT = { emailAddress: readNextAddresses, userMailing: readNextProfiles };

/**
 * The next recipients of a slice, read and not marked yet: all that are `pending` between its first and its last one.
 *
 * Nobody but the claim holder makes rows `pending` or takes them out of it, and what they contain never changes, so one look serves
 * several beats. Whoever hands recipients back throws it away. It costs the memory of a look, whatever the list is like.
 */
export interface ReadAhead {
  readonly rows: readonly Found[];
  /** Tables that have nothing after the last of them. */
  readonly drained: ReadonlySet<SourceName>;
}

export const NOTHING_READ: ReadAhead = { rows: [], drained: new Set() };

/** Whether the list has nothing but what was read. */
export function isDrained({ drained }: ReadAhead): boolean {
  return drained.size === SOURCES.length;
}

/** Looks at the list, from `cursor` on, if less than `wanted` was read and there may be more. */
export async function readOn(
  session: Session,
  slice: Slice,
  cursor: number,
  wanted: number,
  ahead: ReadAhead,
): Promise<ReadAhead> {
  const missing = wanted - ahead.rows.length;
  if (missing <= 0 || isDrained(ahead)) return ahead;
  const last = ahead.rows.at(-1);
  const fromIdx = last ? last.idx + 1 : cursor;
  const limit = Math.max(missing, ROWS_PER_LOOK);
  const drained = new Set(ahead.drained);
  const found: Found[] = [];
  // Of a table that may have more, nothing is known after its last row.
  let knownTo = Number.POSITIVE_INFINITY;
  for (const source of SOURCES) {
    if (drained.has(source)) continue;
    const rows = await READ_NEXT[source](session, slice, fromIdx, limit);
    if (rows.length < limit) drained.add(source);
    else knownTo = Math.min(knownTo, rows[rows.length - 1].idx);
    for (const row of rows) found.push({ ...row, source });
  }
  const isKnown = (one: Found): boolean => one.idx <= knownTo;
  for (const { source } of found.filter((one) => !isKnown(one))) drained.delete(source);
  const next = found.filter(isKnown).sort((a, b) => a.idx - b.idx);
  return { rows: [...ahead.rows, ...next], drained };
}
