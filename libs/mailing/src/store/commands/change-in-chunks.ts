import type { FaultPoint, FaultPoints } from '../../model/ports/fault-points.js';
import type { Slice } from '../../model/states/slice.js';
import type { MailingDatabase, Session } from '../database/mailing.database.js';
import { RECIPIENT_TABLES, type RecipientTable } from '../recipients/open-recipient.js';
import { findRetryable, findRetryableBatches, type RetryableStatus } from './find-retryable.js';
import { lockProgress } from './lock-progress.js';
import { readRequested } from './read-requested.js';

/** Recipients of one transaction of a command. It bounds locks and logs, not the command. */
const CHUNK = 1_000;

/**
 * What a command does to recipients of one table, under the lock of their progress row.
 *
 * @returns what is to be done after the commit.
 */
export type ChangeChunk = (
  session: Session,
  slice: Slice,
  source: RecipientTable,
  indexes: number[],
) => Promise<(() => Promise<void>) | void>;

/** Where a command reads and what it reports to. */
export interface CommandScope {
  database: MailingDatabase;
  faultPoints: FaultPoints;
}

/**
 * Changes all recipients with this status. Goes through the list once, chunk by chunk, each in its own transaction. If it is interrupted, the counters
 * still add up.
 *
 * @param point reached after the commit of each chunk.
 * @returns how many recipients were changed.
 */
export async function changeInChunks(
  { database, faultPoints }: CommandScope,
  mailingId: string,
  status: RetryableStatus,
  point: FaultPoint,
  change: ChangeChunk,
): Promise<number> {
  let total = 0;
  for await (const slice of slicesOf(database, mailingId, status)) {
    for (const source of RECIPIENT_TABLES) {
      let fromIdx = 0;
      for (;;) {
        const { indexes, afterwards } = await database.transaction(async (session) => {
          await lockProgress(session, slice);
          const found = await findRetryable(session, source, slice, status, fromIdx, CHUNK);
          const changed = found.length > 0 ? await change(session, slice, source, found) : undefined;
          return { indexes: found, afterwards: changed };
        });
        if (indexes.length === 0) break;
        faultPoints.reach(point);
        await afterwards?.();
        total += indexes.length;
        fromIdx = indexes[indexes.length - 1] + 1;
      }
    }
  }
  return total;
}

/** The slices of a mailing that have their own progress row. */
async function* slicesOf(
  database: MailingDatabase,
  mailingId: string,
  status: RetryableStatus,
): AsyncGenerator<Slice> {
  const mailing = await readRequested(database, mailingId);
  if (!mailing?.isBatched) return yield { mailingId, batch: null };
  for (let afterIdx = -1; ;) {
    const page = await findRetryableBatches(database, mailingId, status, afterIdx, CHUNK);
    yield* page;
    if (page.length < CHUNK) return;
    afterIdx = page[page.length - 1].batch?.startIdx ?? 0;
  }
}
