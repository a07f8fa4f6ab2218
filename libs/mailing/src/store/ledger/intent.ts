import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { progressRowOf, type SqlPart } from '../database/progress-row.js';

/** How far the intent to send goes: two watermarks of the progress row; see `MailingLedger`. */
export interface Intent {
  /** Invariant: every `pending` row with a lower idx is in flight. */
  nextIdx: number;
  /** No recipient from this idx on was ever in flight. Not less than `nextIdx`. */
  highWaterIdx: number;
}

/**
 * Sets the intent in a progress row that is locked already. It corrects what `fenceCommit` has foreseen (another attempt took a slot, or the list has
 * gaps), or lowers `next_idx` to where recovery begins.
 */
export function moveIntent(
  session: Session,
  slice: Slice,
  { nextIdx, highWaterIdx }: Intent,
): Promise<number> {
  const progress = progressRowOf(session, slice);
  return session.change(
    `UPDATE ${progress.table} SET next_idx = ?, high_water_idx = ? WHERE ${progress.sql}`,
    [nextIdx, highWaterIdx, ...progress.parameters],
  );
}

/**
 * Sets rows of one table that are in flight because of `next_idx` to `sending`. Needed where `next_idx` can't tell any more which recipients are in
 * flight: one of them is handed back, or their run is dead. At most `maxInDoubt` rows; more after a failover that rewound the database.
 *
 * - Lock order: after the progress row; ranges of the primary key.
 * - The same transaction lowers `next_idx` to the first recipient that is not in flight.
 *
 * @param those condition on the `pending` rows that are in flight because of `next_idx`.
 * @returns how many rows were changed.
 */
export function nameIntended(session: Session, table: string, those: SqlPart): Promise<number> {
  return session.change(
    `UPDATE ${table} SET status = 'sending', changed_at = ${session.dialect.now} WHERE ${those.sql}`,
    those.parameters,
  );
}
