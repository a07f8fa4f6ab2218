import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { progressRowOf } from '../database/progress-row.js';

/**
 * Locks the progress row of a slice, as the first statement of a command on its recipients. The lock order is that of a commit: the progress row
 * first, recipients after it. The row itself is not changed.
 */
export async function lockProgress(session: Session, slice: Slice): Promise<void> {
  const progress = progressRowOf(session, slice);
  await session.change(
    `UPDATE ${progress.table} SET status = status WHERE ${progress.sql}`,
    progress.parameters,
  );
}
