import type { BatchRange } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';

/** A batch whose claim has no live holder, or is held by the asking server, which has to check it itself. */
export interface DeadBatch {
  mailingId: string;
  batch: BatchRange;
  claimToken: string;
  /** The server that claimed it. */
  uniqServerId: string;
}

/** A claim token begins with the incarnation that created it, a UUID. */
const INCARNATION_LENGTH = 36;

/**
 * Batches that were claimed by an incarnation, of any server, that is not registered any more.
 *
 * - Index: `(status, mailing_id, not_before)`, the entries of claimed batches: as many as all servers have batch threads. Each is compared with its
 *   server's row by the primary key.
 * - This function does not decide which server is dead; `pruneServer` does. An incarnation that is gone never comes back.
 * - Batches of the asking server are included, because only that process knows whether it still works on them.
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
