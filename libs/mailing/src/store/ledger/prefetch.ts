import type { Slice } from '../../model/states/slice.js';
import type { Found } from '../recipients/found-recipient.js';
import type { MailingDatabase, Session } from '../database/mailing.database.js';
import { RECIPIENT_TABLES, type RecipientTable } from '../recipients/open-recipient.js';
import { readNext } from '../recipients/read-next.js';

/**
 * Rows of one read of the list, unless more are to be marked at once. Each read costs a transaction, and one more to ask the suppression list about
 * the recipients found. More rows cost memory, up to 256 KiB each.
 */
const ROWS_PER_LOOK = 300;

/**
 * The next recipients of a slice, read and not marked yet: all `pending` rows from the first to the last of them.
 *
 * Only the claim holder makes rows `pending` or changes `pending` rows, and what rows contain never changes. So one read serves several commits. A
 * hand-back discards it. It costs the memory of one read, whatever the list.
 */
export interface Prefetch {
  readonly rows: readonly Found[];
  /** Tables that have no rows after the last one. */
  readonly drained: ReadonlySet<RecipientTable>;
}

export const NOTHING_READ: Prefetch = { rows: [], drained: new Set() };

/** Whether all of the list was read. */
export function isDrained({ drained }: Prefetch): boolean {
  return drained.size === RECIPIENT_TABLES.length;
}

/** Reads the list, from `cursor` on, if fewer than `wanted` rows are there and the list may have more. */
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
 * Begins to read beyond the prefetched rows, in parallel with a commit that begins `taken` of them, unless enough are left for another commit. It
 * reads no row that the commit begins, so the order of the two does not matter.
 *
 * The queries of both tables are in one transaction: a proxy before the database (ProxySQL, MaxScale, pgpool) may send a query outside of a transaction to a
 * replica, which may not know yet which recipients were sent to, nor the end of the list.
 *
 * @returns rows to be joined to `ahead`; null if none are needed, or if it is not known which rows the commit will begin.
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

/** @param beyond what was read after the last row of `ahead`. */
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
  // If a table may have more rows, nothing is known after the last one read.
  let knownTo = Number.POSITIVE_INFINITY;
  for (const source of RECIPIENT_TABLES) {
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
