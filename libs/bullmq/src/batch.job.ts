import type { BulkJobOptions, Job } from 'bullmq';
import type { BatchName } from '../../mailing/src/index.js';

/** All that a job says. What is to be done stands in the database. */
export type BatchJobData = Pick<BatchName, 'mailingId' | 'startIdx'>;

const NAME = 'batch';

/** As its column. */
const MAX_MAILING_ID = 36;

/** One job for a batch, however many servers announce it: its id says which, and it is gone when it is done. */
export function jobOf({ mailingId, startIdx }: BatchName): {
  name: string;
  data: BatchJobData;
  opts: BulkJobOptions;
} {
  return {
    name: NAME,
    data: { mailingId, startIdx },
    opts: { jobId: `${mailingId}-${startIdx}`, attempts: 1, removeOnComplete: true, removeOnFail: true },
  };
}

/** @returns null if somebody else has put this job into our queue. */
export function batchOf({ name, data }: Job<unknown>): BatchName | null {
  if (name !== NAME || typeof data !== 'object' || data === null) return null;
  const { mailingId, startIdx } = data as Partial<BatchJobData>;
  if (typeof mailingId !== 'string' || mailingId.length > MAX_MAILING_ID || !Number.isSafeInteger(startIdx))
    return null;
  return { mailingId, startIdx: startIdx! };
}
