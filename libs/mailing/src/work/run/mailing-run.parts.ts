import type { MailingDelivery } from '../../delivery/mailing.delivery.js';
import type { FaultPoints } from '../../model/ports/fault-points.js';
import type { Ledger } from '../../model/ports/ledger.js';
import type { MailingEvents, RunEndStatus } from '../../model/reports/mailing-event.js';
import type { RetryOptions, RunOptions } from '../../model/options/mailing-options.js';
import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { RunJournal } from '../../model/ports/run-journal.js';
import type { ErrorRateGuard } from './error-rate.guard.js';
import type { ProfileRecorder } from '../recipients/profile.recorder.js';
import type { RateSlots } from '../pacing/rate-limiter.js';

/** One of the places for mailings that are worked on at a time. */
export interface WorkerSlot {
  /** Nothing to do for a while: others may work meanwhile. A batch is given back. */
  leave(): void;
  /** Waits for something of the host's: others may work meanwhile, and the slice is kept. */
  lend(): void;
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
  guard: ErrorRateGuard;
  /** Of the process, shared by all its runs, and of this run alone. */
  limiter: RateSlots;
  /** Asked before each hand-over. */
  mayStart: () => boolean;
  /** Told what is begun and what became of it; null: nobody is. */
  journal: RunJournal | null;
  /** Given up while there is nothing to do for a while. */
  workerSlot: WorkerSlot;
  /** Of the process, shared by all its runs. */
  recorder: ProfileRecorder;
  events: MailingEvents;
  faultPoints: FaultPoints;
}

/** How a run ended. */
export interface RunEnd {
  status: RunEndStatus;
  /** What its mailing is in by that; null where this run has no say any more. */
  mailing: MailingStatus | null;
}

/** Why nothing more is begun. */
export type RunPhase = 'running' | 'stopping' | 'draining' | 'pausing' | 'stalled' | 'fenced' | 'rewound';
