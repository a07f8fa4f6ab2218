import type { MailingDelivery } from '../../delivery/mailing.delivery.js';
import type { FaultPoints } from '../../model/ports/fault-points.js';
import type { Ledger } from '../../model/ports/ledger.js';
import type { MailingEvents, RunEndStatus } from '../../model/reports/mailing-event.js';
import type { RetryOptions, RunOptions } from '../../model/options/run-options.js';
import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { RunJournal } from '../../model/ports/run-journal.js';
import type { ErrorRateGuard } from './error-rate.guard.js';
import type { ProfileRecorder } from '../recipients/profile.recorder.js';
import type { RateSlots } from '../pacing/rate-limiter.js';

/** One of the slots that limit how many mailings are worked on at a time. */
export interface WorkerSlot {
  /** The run has nothing to do for a while: other mailings use the slot. A batch is released. */
  leave(): void;
  /** The run waits for the host: other mailings use the slot, and the run keeps its slice. */
  lend(): void;
  /** The run goes on, even if other mailings use all slots: work that has begun is finished first. */
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
  /** Whether recipients that become in doubt while sending are sent again (policy `resend`) or recorded. */
  resendsDoubt: boolean;
  guard: ErrorRateGuard;
  /** Combines the limit of the process, shared by all its runs, with that of this run alone. */
  limiter: RateSlots;
  /** Called before each hand-over. */
  mayStart: () => boolean;
  /** Records what was begun and its outcomes; null: no journal. */
  journal: RunJournal | null;
  /** Released while the run has nothing to do. */
  workerSlot: WorkerSlot;
  /** Shared by all runs of the process. */
  recorder: ProfileRecorder;
  events: MailingEvents;
  faultPoints: FaultPoints;
}

/** How a run ended. */
export interface RunEnd {
  status: RunEndStatus;
  /** The resulting state of the mailing; null if this run does not decide it any more. */
  mailing: MailingStatus | null;
}

/** Whether the run begins messages, and if not, why. */
export type RunPhase = 'running' | 'stopping' | 'draining' | 'pausing' | 'stalled' | 'fenced' | 'rewound';
