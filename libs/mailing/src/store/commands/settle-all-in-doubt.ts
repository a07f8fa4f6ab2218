import { changeInChunks, type CommandScope } from './change-in-chunks.js';
import { userIdsAt } from './find-retryable.js';
import { settleInDoubtRows } from './settle-in-doubt.js';

/**
 * Settles all recipients in doubt.
 *
 * @param settled called for each chunk after its commit, with the ids of the profiles that were sent to.
 * @returns how many.
 */
export function settleAllInDoubt(
  scope: CommandScope,
  mailingId: string,
  as: 'sent' | 'error',
  settled: (userIds: string[]) => Promise<void>,
): Promise<number> {
  return changeInChunks(
    scope,
    mailingId,
    'in_doubt',
    'afterSettleChunk',
    async (session, slice, source, indexes) => {
      await settleInDoubtRows(session, session.tables[source], slice, indexes, as);
      if (as === 'error' || source !== 'userMailing') return;
      const userIds = await userIdsAt(session, mailingId, indexes);
      return () => settled(userIds);
    },
  );
}
