import type { RunPhase } from './mailing-run.parts.js';
import { LINGER_MS, type OutcomeBuffer } from './outcome.buffer.js';
import { MAX_WAIT_MS, type PollSchedule } from './poll.schedule.js';

/** How often a run with an uncertain lease checks whether it may start messages again. */
const LEASE_POLL_MS = 100;
/** Another run may release a slot of the rate limiter, without a notice to this one. */
const RATE_POLL_MS = 250;
/** A run that waits longer for a recipient's next attempt leaves its worker slot to other mailings. */
const SLOT_KEEP_MS = 500;

/** All facts that a run decides by, at one moment; but `buffer` and `polls` read the clock at each access. */
export interface RunState {
  phase: RunPhase;
  /** Messages that are being rendered or sent. */
  inFlight: number;
  /** Recipients that are marked and not begun. */
  queued: number;
  /** The first recipient in the queue is skipped: nothing is sent for it, so no rate limit applies. */
  isSkipNext: boolean;
  maxInDoubt: number;
  /** A commit failed, and must be repeated unchanged. */
  hasUnwritten: boolean;
  /** The progress row may have changed. */
  isWoken: boolean;
  buffer: Pick<OutcomeBuffer, 'count' | 'isFull' | 'numReturned' | 'hasLingered'>;
  polls: Pick<PollSchedule, 'isDue' | 'isExhausted' | 'isThrough' | 'waitMs'>;
  /** `level`: messages that may be in flight at a time; `waitMs`: while the transport is down. */
  transport: { level: number; waitMs: number; waitsForHost: boolean };
  /** The lease is fresh. */
  mayStart: boolean;
  /** Milliseconds until the rate limiter may have a slot. */
  rateWaitMs: number;
}

/** What a waiting run does with its worker slot. */
export type SlotAction = 'keep' | 'leave' | 'lend';

/** What a run does next. `ms`: until something changes by itself; every other change ends the wait. */
export type NextAction =
  { kind: 'commit' } | { kind: 'send' } | { kind: 'wait'; ms: number; slot: SlotAction };

/** The one decision of a run. A commit comes before messages: it makes room for them, and outcomes must not wait for rendering. */
export function nextAction(state: RunState): NextAction {
  if (wantsCommit(state)) return { kind: 'commit' };
  if (maySend(state)) return { kind: 'send' };
  const ms = waitMsOf(state);
  return { kind: 'wait', ms, slot: slotActionOf(state, ms) };
}

/** How many more recipients the next commit marks. */
export function capacityOf(state: RunState): number {
  const { phase, polls, buffer, maxInDoubt } = state;
  // One more poll completes the slice.
  const isThrough = polls.isThrough && numSending(state) === 0 && buffer.numReturned === 0;
  if (isThrough && phase === 'running') return 1;
  return mayMark(state) ? maxInDoubt - numSending(state) : 0;
}

/** Recipients that stay in flight whatever the next commit writes. */
export function numSending({ inFlight, queued }: Pick<RunState, 'inFlight' | 'queued'>): number {
  return inFlight + queued;
}

/** Whether only the passing of time gives a run that waits something to do: recipients are due later, or the transport is tried again later. */
export function isResting(state: RunState): boolean {
  const { phase, mayStart, transport, polls } = state;
  if (phase !== 'running' || !mayStart || numSending(state) > 0) return false;
  return nextAction(state).kind === 'wait' && (transport.waitMs > 0 || polls.isExhausted);
}

function wantsCommit(state: RunState): boolean {
  const { phase, buffer, polls } = state;
  if (phase === 'fenced') return true;
  if (phase === 'rewound') return state.inFlight === 0;
  if (phase === 'stalled') return false;
  if (state.hasUnwritten || state.isWoken) return true;
  if (buffer.numReturned > 0 || buffer.isFull || buffer.hasLingered) return true;
  const isIdle = numSending(state) === 0;
  if (isIdle && (phase !== 'running' || buffer.count > 0 || polls.isThrough)) return true;
  return state.queued === 0 && mayMark(state) && numSending(state) < state.maxInDoubt;
}

function mayMark(state: RunState): boolean {
  return state.polls.isDue && mayBegin(state);
}

function mayBegin({ phase, transport, mayStart }: RunState): boolean {
  return phase === 'running' && transport.waitMs === 0 && mayStart;
}

/** Whether the first of the queue may be begun now. */
export function maySend(state: RunState): boolean {
  const { queued, inFlight, transport, isSkipNext, rateWaitMs } = state;
  return queued > 0 && inFlight < transport.level && mayBegin(state) && (isSkipNext || rateWaitMs === 0);
}

function waitMsOf(state: RunState): number {
  const { phase, buffer, transport, polls } = state;
  if (buffer.count > 0 && phase !== 'stalled' && phase !== 'rewound') return LINGER_MS;
  if (phase !== 'running') return MAX_WAIT_MS;
  if (!state.mayStart) return LEASE_POLL_MS;
  if (transport.waitMs > 0) return transport.waitMs;
  if (state.queued > 0) {
    const isFull = state.inFlight >= transport.level;
    return isFull ? MAX_WAIT_MS : Math.min(state.rateWaitMs, RATE_POLL_MS);
  }
  if (state.inFlight >= state.maxInDoubt) return MAX_WAIT_MS;
  // The condition may have become true after `wantsCommit()`; decide again in 1 ms.
  return polls.isExhausted ? polls.waitMs : 1;
}

function slotActionOf(state: RunState, waitMs: number): SlotAction {
  if (waitMs <= SLOT_KEEP_MS || numSending(state) > 0) return 'keep';
  if (state.phase === 'stalled' || (state.phase === 'running' && state.polls.isExhausted)) return 'leave';
  return state.phase === 'running' && state.transport.waitsForHost ? 'lend' : 'keep';
}
