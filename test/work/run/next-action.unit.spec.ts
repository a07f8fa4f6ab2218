import { expect, it } from 'vitest';
import {
  capacityOf,
  isResting,
  nextAction,
  type NextAction,
  type RunState,
} from '../../../libs/mailing/src/work/run/next-action.js';

const NEVER = 30_000;

/** A run in the middle of its list: ten recipients may be in doubt, five messages are in flight. */
const BUSY: RunState = {
  phase: 'running',
  inFlight: 5,
  queued: 5,
  isSkipNext: false,
  maxInDoubt: 10,
  hasUnwritten: false,
  isWoken: false,
  buffer: { count: 0, isFull: false, numReturned: 0, hasLingered: false },
  polls: { isDue: true, isExhausted: false, isThrough: false, waitMs: NEVER },
  transport: { level: 5, waitMs: 0, waitsForHost: false },
  mayStart: true,
  rateWaitMs: 0,
};

type Change = { [K in keyof RunState]?: RunState[K] extends object ? Partial<RunState[K]> : RunState[K] };

function stateOf(change: Change): RunState {
  return {
    ...BUSY,
    ...change,
    buffer: { ...BUSY.buffer, ...change.buffer },
    polls: { ...BUSY.polls, ...change.polls },
    transport: { ...BUSY.transport, ...change.transport },
  };
}

const COMMIT: NextAction = { kind: 'commit' };
const SEND: NextAction = { kind: 'send' };
const wait = (ms: number, slot: 'keep' | 'leave' | 'lend' = 'keep'): NextAction => ({
  kind: 'wait',
  ms,
  slot,
});

const IDLE = { inFlight: 0, queued: 0 };
const EXHAUSTED = { isDue: false, isExhausted: true };

it.each<[string, Change, NextAction]>([
  ['all connections are busy', {}, wait(NEVER)],
  ['a connection is free', { inFlight: 4 }, SEND],
  [
    'a connection is free, and outcomes fill a commit',
    { inFlight: 4, buffer: { count: 8, isFull: true } },
    COMMIT,
  ],
  ['outcomes wait for more to share a commit', { buffer: { count: 3 } }, wait(50)],
  ['outcomes have waited for more to share a commit', { buffer: { count: 3, hasLingered: true } }, COMMIT],
  ['recipients are handed back', { buffer: { numReturned: 1 } }, COMMIT],
  ['a commit failed', { hasUnwritten: true }, COMMIT],
  ['the progress row may have changed', { isWoken: true }, COMMIT],
  ['nothing is marked any more', { queued: 0 }, COMMIT],
  [
    'nothing is marked any more, and the most that may be in doubt is in flight',
    { queued: 0, inFlight: 10 },
    wait(NEVER),
  ],
  ['it begins', IDLE, COMMIT],
  ['the list is through, and its last messages are in flight', { queued: 0, polls: EXHAUSTED }, wait(NEVER)],
  [
    'all are settled or deferred: outcomes are written at once',
    { ...IDLE, polls: EXHAUSTED, buffer: { count: 1 } },
    COMMIT,
  ],
  [
    'only deferred recipients are left: the worker slot is free for others',
    { ...IDLE, polls: { ...EXHAUSTED, waitMs: 9_000 } },
    wait(9_000, 'leave'),
  ],
  ['a deferred recipient is due soon', { ...IDLE, polls: { ...EXHAUSTED, waitMs: 200 } }, wait(200)],
  ['a deferred recipient is due', { ...IDLE, polls: { isExhausted: true, isDue: true } }, COMMIT],
  ['the list is through', { ...IDLE, polls: { ...EXHAUSTED, isThrough: true } }, COMMIT],
  ['the rate has no slot', { inFlight: 1, rateWaitMs: 120 }, wait(120)],
  [
    'the rate has no slot for long: another run may return one',
    { inFlight: 1, rateWaitMs: 5_000 },
    wait(250),
  ],
  [
    'the rate has no slot, and the next recipient is skipped',
    { inFlight: 1, rateWaitMs: 120, isSkipNext: true },
    SEND,
  ],
  ['throttled to one message', { inFlight: 1, transport: { level: 1 } }, wait(NEVER)],
  ['the mail server is out of reach', { ...IDLE, transport: { waitMs: 4_000 } }, wait(4_000)],
  [
    'the mail server is out of reach, and messages are queued',
    { inFlight: 0, transport: { waitMs: 4_000 } },
    wait(4_000),
  ],
  [
    'a function of the host is out of reach: others use the worker slot',
    { ...IDLE, transport: { waitMs: 4_000, waitsForHost: true } },
    wait(4_000, 'lend'),
  ],
  ['the lease is uncertain', { ...IDLE, mayStart: false }, wait(100)],
  ['stopping, with messages in flight', { phase: 'stopping', queued: 0 }, wait(NEVER)],
  ['stopping, with outcomes', { phase: 'stopping', queued: 0, buffer: { count: 1 } }, wait(50)],
  ['stopping, with nothing in flight', { ...IDLE, phase: 'stopping' }, COMMIT],
  ['draining, with nothing in flight', { ...IDLE, phase: 'draining' }, COMMIT],
  ['pausing, with nothing in flight', { ...IDLE, phase: 'pausing' }, COMMIT],
  [
    'stalled',
    { ...IDLE, phase: 'stalled', hasUnwritten: true, isWoken: true, buffer: { count: 9 } },
    wait(NEVER, 'leave'),
  ],
  ['stalled, with messages in flight', { phase: 'stalled', queued: 0, hasUnwritten: true }, wait(NEVER)],
  [
    'rewound, with messages in flight',
    { phase: 'rewound', queued: 0, hasUnwritten: true, buffer: { count: 3 } },
    wait(NEVER),
  ],
  ['rewound, with nothing in flight', { ...IDLE, phase: 'rewound' }, COMMIT],
  ['fenced, whatever is in flight', { phase: 'fenced' }, COMMIT],
])('%s', (_, change, action) => {
  expect(nextAction(stateOf(change))).toEqual(action);
});

it.each<[string, Change, number]>([
  ['as many as maxInDoubt leaves', { inFlight: 3, queued: 0 }, 7],
  ['nothing while messages are queued to the bound', {}, 0],
  ['nothing while the mail server is out of reach', { ...IDLE, transport: { waitMs: 1 } }, 0],
  ['nothing while the lease is uncertain', { ...IDLE, mayStart: false }, 0],
  ['nothing before deferred recipients are due', { ...IDLE, polls: EXHAUSTED }, 0],
  [
    'one at the end of the list: the poll that completes the slice',
    { ...IDLE, polls: { ...EXHAUSTED, isThrough: true } },
    1,
  ],
  [
    'nothing at the end of the list, where recipients are handed back',
    { ...IDLE, polls: { ...EXHAUSTED, isThrough: true }, buffer: { numReturned: 1 } },
    0,
  ],
  ['nothing in a run that stops', { ...IDLE, phase: 'stopping' }, 0],
  [
    'nothing in a run that stops at the end of the list',
    { ...IDLE, phase: 'stopping', polls: { ...EXHAUSTED, isThrough: true } },
    0,
  ],
])('a commit marks %s', (_, change, capacity) => {
  expect(capacityOf(stateOf(change))).toBe(capacity);
});

it.each<[string, Change, boolean]>([
  ['recipients are due later', { ...IDLE, polls: EXHAUSTED }, true],
  ['the transport is tried again later', { ...IDLE, transport: { waitMs: 900 } }, true],
  ['a message is in flight meanwhile', { inFlight: 1, queued: 0, polls: EXHAUSTED }, false],
  ['a message waits for the rate', { inFlight: 0, queued: 1, rateWaitMs: 900 }, false],
  ['an outcome waits for its commit', { ...IDLE, polls: EXHAUSTED, buffer: { count: 1 } }, false],
  ['the progress row may have changed', { ...IDLE, polls: EXHAUSTED, isWoken: true }, false],
  ['the lease is uncertain', { ...IDLE, polls: EXHAUSTED, mayStart: false }, false],
  ['the database does not answer', { ...IDLE, polls: EXHAUSTED, phase: 'stalled' }, false],
])('only time gives a run something to do: %s', (_, change, expected) => {
  expect(isResting(stateOf(change))).toBe(expected);
});
