import { expect, it } from 'vitest';
import { MailingEvents } from '../../../libs/mailing/src/model/reports/mailing-event.js';
import type { RunRegistry } from '../../../libs/mailing/src/work/run/run.registry.js';
import type {
  ServerMembership,
  MembershipState,
} from '../../../libs/mailing/src/work/servers/server-membership.js';
import { HeartbeatTimer } from '../../../libs/mailing/src/work/servers/heartbeat.timer.js';
import { waitUntil } from '../../support/wait-until.js';

const SETTINGS = {
  uniqServerId: 'test:1',
  server: { heartbeatIntervalMs: 5 },
  run: { hostCallTimeoutMs: 10_000 },
} as never;

/** A timer with a membership that the test controls, and the calls it made. */
function timerOf(states: MembershipState[]): {
  heartbeats: HeartbeatTimer;
  log: string[];
  events: MailingEvents;
} {
  const log: string[] = [];
  const heartbeat = (): Promise<MembershipState> => {
    const state = states.shift() ?? 'member';
    log.push(state);
    return Promise.resolve(state);
  };
  const runs = { revokeAll: () => log.push('revokeAll') } as unknown as RunRegistry;
  const events = new MailingEvents();
  const membership = { heartbeat } as unknown as ServerMembership;
  return { heartbeats: new HeartbeatTimer(membership, runs, SETTINGS, events), log, events };
}

it('runs its tasks as a member only, and at once after it was fenced and registered again', async () => {
  const { heartbeats, log } = timerOf(['standby', 'member', 'lost', 'member', 'lost', 'standby']);
  heartbeats.addTask(() => void log.push('duty'));
  heartbeats.onApplicationBootstrap();
  await waitUntil(() => log.length >= 12, { what: 'some heartbeats' });
  await heartbeats.stop();
  expect(log.slice(0, 10)).toEqual([
    'standby',
    'member',
    'duty',
    'lost',
    'revokeAll',
    'member',
    'duty',
    'lost',
    'revokeAll',
    'standby',
  ]);
});

it('does not start a task again while it is running, runs the others, and waits for it at the end', async () => {
  const { heartbeats } = timerOf([]);
  let release = (): void => undefined;
  let numSlow = 0;
  let numOther = 0;
  heartbeats.addTask(() => {
    numSlow++;
    return new Promise<void>((resolve) => (release = resolve));
  });
  heartbeats.addTask(() => void numOther++);
  heartbeats.onApplicationBootstrap();
  await waitUntil(() => numOther >= 5, { what: 'some heartbeats' });
  expect(numSlow).toBe(1);
  release();
  await waitUntil(() => numSlow === 2, { what: 'the task to start again' });

  let isStopped = false;
  const stopping = heartbeats.stop().then(() => (isStopped = true));
  await new Promise(setImmediate);
  expect(isStopped).toBe(false);
  release();
  await stopping;
  expect(isStopped).toBe(true);
});

it('reports a task that fails, by rejecting or by throwing, and runs the others', async () => {
  const { heartbeats, events } = timerOf([]);
  const errors: string[] = [];
  let numOther = 0;
  events.on('server:error', ({ error }) => errors.push((error as Error).message));
  heartbeats.addTask(() => Promise.reject(new Error('rejected')));
  heartbeats.addTask(() => {
    throw new Error('thrown');
  });
  heartbeats.addTask(() => void numOther++);
  heartbeats.onApplicationBootstrap();
  await waitUntil(() => numOther >= 2, { what: 'some heartbeats' });
  await heartbeats.stop();
  expect(new Set(errors)).toEqual(new Set(['rejected', 'thrown']));
});
