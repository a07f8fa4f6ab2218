import type { Slice } from '../../model/states/slice.js';
import type { RunEvidence } from '../failover/known-outcomes.js';

/** A slice whose claim holder is dead. */
export interface DeadClaim {
  slice: Slice;
  /** The server that takes it over. */
  uniqServerId: string;
  /** Token of the dead claim, which this claim replaces. */
  deadToken: string;
  claimToken: string;
  /** Whether recipients that were in flight are sent again, or recorded as in doubt. */
  resend: boolean;
  /** What the dead run has left; null: nothing that can be trusted. */
  evidence: RunEvidence | null;
}
