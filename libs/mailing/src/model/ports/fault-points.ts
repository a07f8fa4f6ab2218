import { tokenOf } from '../values/token.js';

/**
 * Every named gap between two steps of a flow, where a crash test kills the process. `test/crash/every-gap.process.spec.ts` and
 * `test/crash/every-batch-gap.process.spec.ts` kill at each of them; the first compares this list with the calls of `reach` in the code.
 */
export const FAULT_POINT_NAMES = [
  // Writing a list.
  'afterMailingCreated',
  'afterChunkWritten',
  'beforeListFinished',
  'afterListFinished',
  // Claiming and recovery.
  'afterClaimed',
  'afterRecovered',
  'afterResolverAsked',
  'afterAdopted',
  'afterBatchClaimed',
  'afterServerPruned',
  // Sending.
  'afterIntentCommitted',
  'beforeRendered',
  'beforeHandOver',
  'afterAnswer',
  'beforeOutcomesWritten',
  'afterOutcomesCommitted',
  'afterCompleted',
  'afterReleased',
  'afterBatchCompleted',
  'afterBatchReleased',
  // Commands.
  'afterPauseRequested',
  'afterResumeRequested',
  'afterCancelRequested',
  'afterContinued',
  'afterRetryChunk',
  'afterSettleChunk',
  // Each transaction, between its last statement and its commit.
  'beforeCommit',
] as const;

/** One of the named gaps. */
export type FaultPoint = (typeof FAULT_POINT_NAMES)[number];

/** Called whenever a gap is reached. In production it does nothing. */
export interface FaultPoints {
  reach(point: FaultPoint): void;
}

/** Injection token of the fault points. */
export const FAULT_POINTS = tokenOf<FaultPoints>('MAILING_FAULT_POINTS');

export const noFaultPoints: FaultPoints = { reach: () => undefined };
