import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { NUM_SETTLED, progressRowOf, WATERMARKS } from '../database/progress-row.js';
import { inChunks, placeholders } from '../database/placeholders.js';
import type { InFlightRecipients, HeldClaim } from './held-claim.js';

/** The claim token of the slice now, and the number of its last commit. @returns null if there is no such row. */
export async function readClaim(
  session: Session,
  slice: Slice,
): Promise<{ claimToken: string | null; commitSeq: number } | null> {
  const progress = progressRowOf(session, slice);
  const [row] = await session.rows<{ claim_token: string | null; commit_seq: number }>(
    `SELECT claim_token, commit_seq FROM ${progress.table} WHERE ${progress.sql}`,
    progress.parameters,
  );
  return row ? { claimToken: row.claim_token, commitSeq: Number(row.commit_seq) } : null;
}

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

/** The watermarks of the progress row, which bound the recipients that may be in flight. */
export interface Watermarks {
  lowWaterIdx: number;
  nextIdx: number;
  highWaterIdx: number;
}

type WatermarkRow = Record<(typeof WATERMARKS)[number], number>;

function toWatermarks(row: WatermarkRow): Watermarks {
  return {
    lowWaterIdx: Number(row.low_water_idx),
    nextIdx: Number(row.next_idx),
    highWaterIdx: Number(row.high_water_idx),
  };
}

/** The number of the last commit, and the watermarks. */
export async function readWatermarks(
  session: Session,
  slice: Slice,
): Promise<Watermarks & { number: number }> {
  const progress = progressRowOf(session, slice);
  const [row] = await session.rows<WatermarkRow & { commit_seq: number }>(
    `SELECT ${WATERMARKS.join(', ')}, commit_seq FROM ${progress.table} WHERE ${progress.sql}`,
    progress.parameters,
  );
  return { ...toWatermarks(row), number: Number(row.commit_seq) };
}

/** Reads the progress row under a claim that was obtained in the same transaction. */
export async function readHeldClaim<S extends Slice>(
  session: Session,
  slice: S,
  claimToken: string,
  inFlight: InFlightRecipients | null,
): Promise<HeldClaim & S> {
  const progress = progressRowOf(session, slice);
  const [row] = await session.rows<Record<string, number> & WatermarkRow & { server: string }>(
    `SELECT commit_seq, ${WATERMARKS.join(', ')}, num_profiles, ${NUM_SETTLED} AS num_settled,
       suspect_score, failure_score, ${session.dialect.server} AS server
     FROM ${progress.table} WHERE ${progress.sql}`,
    progress.parameters,
  );
  return {
    ...slice,
    claimToken,
    server: row.server,
    commitSeq: Number(row.commit_seq),
    ...toWatermarks(row),
    numSettled: Number(row.num_settled),
    numProfiles: Number(row.num_profiles),
    guardScores: { suspect: Number(row.suspect_score), failure: Number(row.failure_score) },
    inFlight,
  };
}
