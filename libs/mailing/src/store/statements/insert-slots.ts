import type { Inserted, Session } from '../mailing.database.js';
import { inChunks, placeholders } from './placeholders.js';

/** One content as it is written. */
export interface SlotRow {
  slot: string;
  /** Or `EVERYBODY`. */
  userId: string;
  /** The content in an object. */
  json: string;
}

/**
 * Writes contents of slots, a multi-row insert. Whether nothing but duplicates was dropped, the caller has to see.
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
 * Those of these contents that the mailing has none for yet.
 *
 * - Index: the primary key, as far as the profile. Compared here once more, because a collation may pad or fold.
 */
export async function findNewSlots(
  session: Session,
  mailingId: string,
  rows: readonly SlotRow[],
): Promise<SlotRow[]> {
  const known = new Set<string>();
  await inChunks([...new Set(rows.map(({ userId }) => userId))], async (chunk) => {
    const found = await session.rows<{ user_id: string; slot: string }>(
      `SELECT user_id, slot FROM ${session.tables.mailSlot} WHERE mailing_id = ? AND user_id IN (${placeholders(chunk)})`,
      [mailingId, ...chunk],
    );
    for (const { user_id: userId, slot } of found) known.add(keyOf({ userId, slot }));
    return found.length;
  });
  return rows.filter((row) => !known.has(keyOf(row)));
}

/** The first of each profile and slot. */
export function firstSlots(rows: readonly SlotRow[]): SlotRow[] {
  const first = new Map<string, SlotRow>();
  for (const row of rows) if (!first.has(keyOf(row))) first.set(keyOf(row), row);
  return [...first.values()];
}

function keyOf({ userId, slot }: Pick<SlotRow, 'userId' | 'slot'>): string {
  return JSON.stringify([userId, slot]);
}
