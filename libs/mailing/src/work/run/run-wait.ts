import type { MailingRunParts, RunPhase } from './mailing-run.parts.js';
import { MAX_WAIT_MS, type PollSchedule } from './poll.schedule.js';
import { LINGER_MS } from './outcome.buffer.js';
import type { TransportMonitor } from './transport.monitor.js';
import type { Wait } from '../pacing/wait.js';

/** How often a run that lost sight of its lease looks whether it may start something again. */
const BLOCKED_LOOK_MS = 100;
/** Another run may give a place of the rate limiter back, and does not tell. */
const RATE_LOOK_MS = 250;
/** A run that waits longer for a recipient's next attempt leaves its place to other mailings. */
const REST_MS = 500;

/** Where a run is. */
export interface RunState {
  parts: Pick<MailingRunParts, 'mailingId' | 'mayStart' | 'limiter' | 'options'>;
  phase: RunPhase;
  inFlight: number;
  queued: number;
  /** Outcomes that wait for a commit. */
  gathered: number;
  transport: TransportMonitor;
  polls: PollSchedule;
  committedAt: number;
}

/** Until something changes by itself, in milliseconds; everything else ends the wait. */
export function waitMsOf(run: RunState): number {
  if (run.gathered > 0 && run.phase !== 'stalled' && run.phase !== 'rewound') return LINGER_MS;
  if (run.phase !== 'running') return MAX_WAIT_MS;
  if (!run.parts.mayStart()) return BLOCKED_LOOK_MS;
  const untilTransport = run.transport.waitMs();
  if (untilTransport > 0) return untilTransport;
  if (run.queued > 0) {
    const isFull = run.inFlight >= run.transport.level;
    return isFull ? MAX_WAIT_MS : Math.min(run.parts.limiter.waitMs(), RATE_LOOK_MS);
  }
  if (run.inFlight >= run.parts.options.maxInDoubt) return MAX_WAIT_MS;
  // What it waited for came to pass since it was asked whether there is something to do.
  return run.polls.isExhausted ? run.polls.waitMs : 1;
}

/** What becomes of the place of a run that waits so long. */
export function slotActionFor(run: RunState, waitMs: number): 'keep' | 'leave' | 'lend' {
  if (waitMs <= REST_MS || run.inFlight + run.queued > 0) return 'keep';
  if (run.phase === 'stalled' || (run.phase === 'running' && run.polls.isExhausted)) return 'leave';
  return run.phase === 'running' && run.transport.waitsForHost ? 'lend' : 'keep';
}

/** What a run waits for. */
export interface RunWaits {
  isPersisted: boolean;
  now: Wait;
  /** What is out of reach, also while it is being tried again. */
  outage: Wait | null;
}

/** @param others who may keep it waiting, in the order in which they are asked. */
export function waitsOf(run: RunState, ...others: { readonly wait: Wait | null }[]): RunWaits {
  const { transport, parts } = run;
  const [now = orderlyWait(run)] = [...others, transport].flatMap(({ wait }) => (wait ? [wait] : []));
  return { isPersisted: parts.mailingId !== null, now, outage: transport.outage };
}

/** While neither the host, nor the database, nor the transport keeps it waiting. */
function orderlyWait({ parts, inFlight, queued, committedAt: since }: RunState): Wait {
  if (!parts.mayStart()) return { what: 'its lease, which a heartbeat has to renew', since };
  if (inFlight > 0) return { what: `${inFlight} message(s) that are being rendered or sent`, since };
  if (queued > 0) return { what: 'the rate that is set for messages', since };
  return { what: 'the next attempt of recipients that were refused for now', since };
}
