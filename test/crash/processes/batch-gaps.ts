import type { FaultPoint } from '../../../libs/mailing/src/model/ports/fault-points.js';

/** Gaps that only a mailing in batches comes by. */
export const BATCH_GAPS: readonly FaultPoint[] = [
  'afterBatchClaimed',
  'afterBatchCompleted',
  'afterBatchReleased',
];
