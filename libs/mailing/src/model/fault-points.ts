/**
 * Named gaps between two steps, where a crash test may kill the process. Nothing happens there in production: the
 * default does nothing at all, and the engine calls it once per gap, never per statement.
 */
export type FaultPoint =
  | 'afterMailingCreated'
  | 'afterChunkWritten'
  | 'beforeListFinished'
  | 'afterListFinished'
  | 'afterClaimed'
  | 'afterIntentCommitted'
  | 'beforeHandOver'
  | 'afterAnswer'
  | 'afterOutcomesCommitted'
  | 'afterRecovered'
  | 'afterAdopted'
  | 'afterReleased';

export interface FaultPoints {
  reach(point: FaultPoint): void;
}

/** Injection token of the fault points. */
export const FAULT_POINTS = Symbol('MAILING_FAULT_POINTS');

export const noFaultPoints: FaultPoints = { reach: () => undefined };
