/**
 * Every named gap between two steps of a flow, where a crash test kills the process. `test/crash/every-gap.process.spec.ts` kills
 * at each of them and compares this list with the places in the code that call `reach`.
 */
export const FAULT_POINT_NAMES = [
  // Writing a list down.
  'afterMailingCreated',
  'afterChunkWritten',
  'beforeListFinished',
  'afterListFinished',
  // Taking it up.
  'afterClaimed',
  'afterRecovered',
  'afterResolverAsked',
  'afterAdopted',
  'afterBatchClaimed',
  'afterServerBuried',
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
  // Orders of people.
  'afterPauseRequested',
  'afterResumeRequested',
  'afterCancelRequested',
  'afterRetryChunk',
  'afterSettleChunk',
  // Each transaction, between its last statement and its commit.
  'beforeCommit',
] as const;

/** One of the named gaps. */
export type FaultPoint = (typeof FAULT_POINT_NAMES)[number];

/** Told whenever a gap is reached. Nothing happens there in production: the default does nothing at all. */
export interface FaultPoints {
  reach(point: FaultPoint): void;
}

/** Injection token of the fault points. */
export const FAULT_POINTS = Symbol('MAILING_FAULT_POINTS');

export const noFaultPoints: FaultPoints = { reach: () => undefined };
