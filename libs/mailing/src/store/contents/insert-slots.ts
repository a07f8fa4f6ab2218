import type { Inserted, Session } from '../database/mailing.database.js';
import { RefusedContent } from '../../model/mail/refused-content.js';
import { findExisting } from '../database/find-existing.js';

/** One slot content as it is written. */
export interface SlotRow {
  slot: string;
  /** Or `ALL_PROFILES`. */
  userId: string;
  /** As `toSlotJson` makes it. */
  json: string;
}

/** Value of the `content` column: the content in an object, or the reason why there is none. */
export function toSlotJson(content: unknown): string {
  return JSON.stringify(RefusedContent.is(content) ? { refused: content.text } : { is: content });
}

/**
 * Writes slot contents with one multi-row insert. The caller checks that only duplicates were dropped.
 *
 * - Lock order: after the mailing's row (`fenceLoading`).
 * - Index: the primary key `(mailing_id, user_id, slot)`.
 */
export function insertSlots(
  session: Session,
  mailingId: string,
  rows: readonly SlotRow[],
  mode: 'new ones' | 'all',
): Promise<Inserted> {
  const into = `${session.tables.mailSlot} (mailing_id, user_id, slot, content)`;
  const values = rows.map(() => '(?, ?, ?, ?)').join(', ');
  return session.insert(
    mode === 'all' ? `INSERT INTO ${into} VALUES ${values}` : session.dialect.insertIgnore(into, values),
    rows.flatMap(({ slot, userId, json }) => [mailingId, userId, slot, json]),
  );
}

/**
 * Returns the rows whose profile and slot have no content in the mailing yet.
 *
 * - Index: the primary key, by its prefix `(mailing_id, user_id)`.
 */
export async function findNewSlots(
  session: Session,
  mailingId: string,
  rows: readonly SlotRow[],
): Promise<SlotRow[]> {
  const unique = { table: session.tables.mailSlot, columns: ['user_id', 'slot'] };
  const asked = rows.map(({ userId }) => userId);
  const found = await findExisting(session, mailingId, unique, asked);
  const known = new Set(found.map(([userId, slot]) => keyOf({ userId, slot })));
  return rows.filter((row) => !known.has(keyOf(row)));
}

/** Keeps the first row of each profile and slot. */
export function firstSlots(rows: readonly SlotRow[]): SlotRow[] {
  const first = new Map<string, SlotRow>();
  for (const row of rows) if (!first.has(keyOf(row))) first.set(keyOf(row), row);
  return [...first.values()];
}

function keyOf({ userId, slot }: Pick<SlotRow, 'userId' | 'slot'>): string {
  return JSON.stringify([userId, slot]);
}
