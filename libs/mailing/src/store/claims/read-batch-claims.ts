import type { Session } from '../database/mailing.database.js';
import { inChunks, placeholders } from '../database/placeholders.js';

/** What the progress row of a batch shows. */
export interface SeenBatch {
  startIdx: number;
  number: number;
  claimToken: string | null;
}

/** Progress rows of many batches of one mailing; index: primary key. */
export async function readBatchClaims(
  session: Session,
  mailingId: string,
  startIdxs: number[],
): Promise<SeenBatch[]> {
  const found: SeenBatch[] = [];
  await inChunks(startIdxs, async (chunk) => {
    const rows = await session.rows<{ start_idx: number; commit_seq: number; claim_token: string | null }>(
      `SELECT start_idx, commit_seq, claim_token FROM ${session.tables.mailBatch}
       WHERE mailing_id = ? AND start_idx IN (${placeholders(chunk)})`,
      [mailingId, ...chunk],
    );
    for (const row of rows)
      found.push({
        startIdx: Number(row.start_idx),
        number: Number(row.commit_seq),
        claimToken: row.claim_token,
      });
    return rows.length;
  });
  return found;
}
