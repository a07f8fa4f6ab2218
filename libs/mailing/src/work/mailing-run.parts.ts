import type { MailingDelivery } from '../delivery/mailing.delivery.js';
import type { FaultPoints } from '../model/fault-points.js';
import type { Ledger } from '../model/ledger.js';
import type { MailingEvents } from '../model/mailing-event.js';
import type { RetryOptions, RunOptions } from '../model/mailing-options.js';
import type { MailingStatus } from '../model/mailing-status.js';
import type { ErrorGuard } from './error-guard.js';
import type { RateLimiter } from './rate-limiter.js';

/** One of the places for mailings that are worked on at a time. */
export interface WorkingPlace {
  /** Nothing to do for a while: others may work meanwhile. */
  leave(): void;
  /** Goes on, even if the others took all places: what has been begun is finished first. */
  retake(): void;
}

/** Everything one run works with. */
export interface MailingRunParts {
  /** Null for a mailing that is not persisted. */
  mailingId: string | null;
  ledger: Ledger;
  delivery: MailingDelivery;
  options: Required<RunOptions>;
  retry: Required<RetryOptions>;
  /** Whether doubt that arises while sending is sent again (policy `resend`) or recorded. */
  resendsDoubt: boolean;
  guard: ErrorGuard;
  /** Shared by all runs of the process. */
  limiter: RateLimiter;
  /** Asked before each hand-over. */
  mayStart: () => boolean;
  /** Given up while there is nothing to do for a while. */
  place: WorkingPlace;
  events: MailingEvents;
  faultPoints: FaultPoints;
}

/** How a run ended. `lost`: somebody else works on it now. `stalled`: the server stopped while the books could not be written. */
export type RunEnd = MailingStatus | 'lost' | 'stalled';

/** Why nothing more is begun. */
export type Winding = 'no' | 'stopping' | 'standing_down' | 'pausing' | 'stalled' | 'lost';
