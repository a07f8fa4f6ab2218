import type { Slice } from '../../model/states/slice.js';
import type { Found } from './found-recipient.js';
import type { MailingDatabase, Session } from '../database/mailing.database.js';
import { SOURCES, type SourceName } from './open-recipient.js';
import { readNext } from './read-next.js';

/**
 * Rows of one look at the list, unless more are to be marked at once. Each look costs a transaction, and one more for what is asked of the
 * suppression list about those who were found; more rows cost memory, up to 256 KiB each.
 */
const ROWS_PER_LOOK = 300;

/**
 * The next recipients of a slice, read and not marked yet: all that are `pending` between its first and its last one.
 *
 * Nobody but the claim holder makes rows `pending` or takes them out of it, and what they contain never changes, so one look serves
 * several commits. Whoever hands recipients back throws it away. It costs the memory of a look, whatever the list is like.
 */
export interface Prefetch {
  readonly rows: readonly Found[];
  /** Tables that have nothing after the last of them. */
  readonly drained: ReadonlySet<SourceName>;
}

export const NOTHING_READ: Prefetch = { rows: [], drained: new Set() };

/** Whether the list has nothing but what was read. */
export function isDrained({ drained }: Prefetch): boolean {
  return drained.size === SOURCES.length;
}

/** Looks at the list, from `cursor` on, if less than `wanted` was read and there may be more. */
export async function readOn(
  session: Session,
  slice: Slice,
  cursor: number,
  wanted: number,
  ahead: Prefetch,
): Promise<Prefetch> {
  const missing = wanted - ahead.rows.length;
  if (missing <= 0 || isDrained(ahead)) return ahead;
  const last = ahead.rows.at(-1);
  return joined(ahead, await look(session, slice, last ? last.idx + 1 : cursor, missing, ahead));
}

/**
 * Begins to look beyond those who were read, at the same time as a commit that begins `taken` of them, unless it leaves enough for
 * another one. Whom that commit begins is not looked at, so it does not matter which of the two is first.
 *
 * In a transaction, though it is one question: what lies between us and the database (ProxySQL, MaxScale, pgpool) may ask a
 * replica what is not in one, and that may not know yet who was sent to, nor the end of the list.
 *
 * @returns what is to be joined to those who were read; null if there is no need, or no telling whom the commit will begin.
 */
export function lookBeyond(
  database: MailingDatabase,
  slice: Slice,
  taken: number,
  ahead: Prefetch,
): Promise<Prefetch> | null {
  const last = ahead.rows.at(-1);
  const left = ahead.rows.length - taken;
  if (!last || taken === 0 || left < 0 || left >= taken || isDrained(ahead)) return null;
  return database.transaction((session) => look(session, slice, last.idx + 1, taken, ahead));
}

/** @param beyond what was found beyond the last of `ahead`. */
export function joined(ahead: Prefetch, beyond: Prefetch): Prefetch {
  return { rows: [...ahead.rows, ...beyond.rows], drained: beyond.drained };
}

async function look(
  session: Session,
  slice: Slice,
  fromIdx: number,
  wanted: number,
  before: Pick<Prefetch, 'drained'>,
): Promise<Prefetch> {
  const limit = Math.max(wanted, ROWS_PER_LOOK);
  const drained = new Set(before.drained);
  const found: Found[] = [];
  // Of a table that may have more, nothing is known after its last row.
  let knownTo = Number.POSITIVE_INFINITY;
  for (const source of SOURCES) {
    if (drained.has(source)) continue;
    const rows = await readNext(session, source, slice, fromIdx, limit);
    if (rows.length < limit) drained.add(source);
    else knownTo = Math.min(knownTo, rows[rows.length - 1].idx);
    for (const row of rows) found.push(row);
  }
  const isKnown = (one: Found): boolean => one.idx <= knownTo;
  for (const { source } of found.filter((one) => !isKnown(one))) drained.delete(source);
  const next = found.filter(isKnown).sort((a, b) => a.idx - b.idx);
  return { rows: next, drained };
}
