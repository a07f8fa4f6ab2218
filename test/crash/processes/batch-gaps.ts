import type { FaultPoint } from '../../../libs/mailing/src/model/ports/fault-points.js';

/** Fault points that only batched mailings reach. */
export const BATCH_GAPS: readonly FaultPoint[] = [
  'afterBatchClaimed',
  'afterBatchCompleted',
  'afterBatchReleased',
];
