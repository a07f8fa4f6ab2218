import type { BulkJobOptions, Job } from 'bullmq';
import type { BatchName } from '../../mailing/src/index.js';

/** The whole content of a job. What is to be done is in the database. */
export type BatchJobData = Pick<BatchName, 'mailingId' | 'startIdx'>;

const NAME = 'batch';
const MAX_ID_LENGTH = 36;
const MAX_IDX = 2 ** 31 - 1;

/** One job for each batch, however many servers announce it: the id of the job names the batch. The job is removed when it is done. */
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

/** @returns null if the plugin did not put this job into the queue. */
export function batchOf({ name, data }: Job<unknown>): BatchName | null {
  if (name !== NAME || typeof data !== 'object' || data === null) return null;
  const { mailingId, startIdx } = data as Partial<BatchJobData>;
  const isId = typeof mailingId === 'string' && mailingId !== '' && mailingId.length <= MAX_ID_LENGTH;
  const isIdx = Number.isInteger(startIdx) && startIdx! >= 0 && startIdx! <= MAX_IDX;
  return isId && isIdx ? { mailingId, startIdx: startIdx! } : null;
}
