import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { progressRowOf } from '../database/progress-row.js';

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
