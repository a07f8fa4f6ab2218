import { RefusedContent } from '../../model/mail/refused-content.js';
import { parseJson } from '../database/parse-json.js';
import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';

/** Value of `user_id` for content that all profiles see; no profile has an empty id. */
export const ALL_PROFILES = '';

/** SQLite takes 32,766 parameters a statement. */
const MAX_IDS = 10_000;

/** A slot content as it is stored. */
export interface KeptSlot {
  slot: string;
  /** Or `ALL_PROFILES`. */
  userId: string;
  /** Or a `RefusedContent`. */
  content: unknown;
}

/**
 * Reads the contents of these user ids in the slots of a mailing, with one statement per `MAX_IDS` ids.
 *
 * - Index: the primary key `(mailing_id, user_id, slot)`. Locks nothing; stored contents never change.
 * - Rejected: a join to the recipients of the commit, which would tie the statement to two tables and the order of sending.
 */
export async function readSlots(
  session: Session,
  mailingId: string,
  userIds: readonly string[],
): Promise<KeptSlot[]> {
  const found: KeptSlot[] = [];
  for (let first = 0; first < userIds.length; first += MAX_IDS) {
    const ids = userIds.slice(first, first + MAX_IDS);
    const rows = await session.rows<Record<string, unknown>>(
      `SELECT slot, user_id, content FROM ${session.tables.mailSlot}
       WHERE mailing_id = ? AND user_id IN (${placeholders(ids)})`,
      [mailingId, ...ids],
    );
    for (const row of rows) {
      const kept = parseJson<{ is?: unknown; refused?: unknown }>(row.content);
      const isRefused = typeof kept?.refused === 'string';
      const content = isRefused ? new RefusedContent(kept.refused as string) : kept?.is;
      found.push({ slot: String(row.slot), userId: String(row.user_id), content });
    }
  }
  return found;
}
