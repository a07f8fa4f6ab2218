import { MailBatch } from 'nestjs-mailing';
import type { DataSource } from 'typeorm';
import { readProgress } from './stored-progress.js';

/** Counters in the order sent, errors, skipped. */
type Counts = [number, number, number];

/**
 * Holds the counters of a mailing's batches against the rows in them, and those of the mailing against its merged batches.
 * No recipient may have been skipped while the list was written, because only the mailing counts those.
 *
 * @throws Error naming the first that differ.
 */
export async function assertBatchesAddUp(dataSource: DataSource, mailingId: string): Promise<MailBatch[]> {
  const batches = await dataSource
    .getRepository(MailBatch)
    .find({ where: { mailingId }, order: { startIdx: 'ASC' } });
  const { mailing, recipients } = await readProgress(dataSource, mailingId);
  const merged: Counts = [0, 0, 0];
  for (const batch of batches) {
    const { startIdx, endIdx, numSent, numErrors, numSkipped, isSummarized } = batch;
    const rows: Counts = [0, 0, 0];
    for (const { idx, status } of recipients) {
      if (idx < startIdx || idx >= endIdx) continue;
      if (status === 'sent') rows[0]++;
      else if (status === 'error' || status === 'in_doubt') rows[1]++;
      else if (status === 'skipped') rows[2]++;
    }
    compare(`batch ${startIdx}`, [numSent, numErrors, numSkipped], rows);
    if (isSummarized) rows.forEach((count, n) => (merged[n] += count));
  }
  const { numSent, numErrors, numSkipped } = mailing;
  compare(`mailing ${mailingId} (${mailing.status})`, [numSent, numErrors, numSkipped], merged);
  if (mailing.status === 'completed' && batches.some((one) => one.status !== 'complete')) {
    throw new Error(`${mailingId} is completed, and one of its batches is not.`);
  }
  return batches;
}

function compare(what: string, said: Counts, counted: Counts): void {
  if (said.join() !== counted.join()) {
    throw new Error(`The counters of ${what} say ${said.join('/')}, its rows ${counted.join('/')}.`);
  }
}
