import type { BatchRange } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';

/** A batch with a claim that nobody living stands for, or that the asking server has to look at itself. */
export interface DeadBatch {
  mailingId: string;
  batch: BatchRange;
  claimToken: string;
  /** Who had claimed it. */
  uniqServerId: string;
}

/** A claim token begins with the incarnation that drew it, a UUID. */
const INCARNATION_LENGTH = 36;

/**
 * Batches whose claims were drawn by an incarnation that is not registered any more, of whatever server.
 *
 * - Index: `(status, mailing_id, not_before)`, the entries of claimed batches: as many as there are batch threads in all
 *   servers. Each is compared with its server's row by the primary key.
 * - Nothing is judged here: an incarnation that is gone never comes back, and who is dead is decided by `pruneServer`.
 * - Those of the asking server come too, because only that process can tell whether it still works on them.
 */
export async function findDeadBatches(
  session: Session,
  uniqServerId: string,
  limit: number,
): Promise<DeadBatch[]> {
  const { mailBatch, mailServer } = session.tables;
  const rows = await session.rows<Record<string, unknown>>(
    `SELECT mailing_id, start_idx, end_idx, claim_token, uniq_server_id FROM ${mailBatch}
     WHERE status = 'claimed' AND (uniq_server_id = ? OR NOT EXISTS (
       SELECT 1 FROM ${mailServer} WHERE ${mailServer}.uniq_server_id = ${mailBatch}.uniq_server_id
         AND incarnation = SUBSTR(claim_token, 1, ${INCARNATION_LENGTH})))
     LIMIT ${limit}`,
    [uniqServerId],
  );
  return rows.map((row) => ({
    mailingId: String(row.mailing_id),
    batch: { startIdx: Number(row.start_idx), endIdx: Number(row.end_idx) },
    claimToken: String(row.claim_token),
    uniqServerId: String(row.uniq_server_id),
  }));
}
