import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Dispatcher } from '../../libs/mailing/src/model/ports/dispatcher.js';
import { PollingDispatcher } from '../../libs/mailing/src/work/execution/polling.dispatcher.js';
import { bullMqServer } from '../support/hosts/bull-mq-server.js';
import { anyRedis, canUseRedis } from '../support/servers/redis.server.js';
import { waitUntil } from '../support/wait-until.js';
import { BatchWorld, HeldRuns } from './batch.world.js';

/** A dispatcher, and how its process ends. */
interface Server {
  dispatcher: Dispatcher;
  end(): Promise<void>;
}

interface Implementation {
  name: string;
  open(): Promise<void>;
  /** @param test the servers of one test share an application's Redis keys. */
  server(test: number): Server;
  close(): Promise<void>;
}

function polling(): Implementation {
  return {
    name: 'PollingDispatcher',
    open: async () => {},
    server: () => {
      const dispatcher = new PollingDispatcher();
      return { dispatcher, end: () => dispatcher.stop() };
    },
    close: async () => {},
  };
}

function bullMq(): Implementation {
  let redis: { url: string; stop(): Promise<void> };
  return {
    name: 'BullMqDispatcher',
    open: async () => {
      redis = await anyRedis();
    },
    server: (test) => {
      const prefix = `conformance-${process.pid}-${test}`;
      const dispatcher = bullMqServer({ prefix, connection: redis.url });
      return { dispatcher, end: () => dispatcher.beforeApplicationShutdown() };
    },
    close: () => redis.stop(),
  };
}

const implementations = [polling()];
if (await canUseRedis()) implementations.push(bullMq());

/** An interval that never ends during these tests. */
const NEVER = 600_000;

describe.each(implementations)('a dispatcher: $name', (implementation) => {
  let world: BatchWorld;
  let servers: Server[];
  let test = 0;

  beforeAll(() => implementation.open());
  afterAll(() => implementation.close());
  beforeEach(() => {
    world = new BatchWorld();
    servers = [];
    test++;
  });
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.end()));
  });

  function start(numBatchThreads: number, pollIntervalMs: number): Dispatcher {
    const server = implementation.server(test);
    servers.push(server);
    void server.dispatcher.start(world.context(servers.length, { numBatchThreads, pollIntervalMs }));
    return server.dispatcher;
  }

  const allAreRun = (number: number): Promise<unknown> =>
    waitUntil(() => world.runs.length >= number, { what: `${number} runs` });

  /** Starts a server and waits for the end of its first poll. */
  async function idle(numBatchThreads: number, pollIntervalMs: number): Promise<Dispatcher> {
    const [marker] = world.add(1);
    const dispatcher = start(numBatchThreads, pollIntervalMs);
    await waitUntil(() => world.runs.some(({ batch }) => batch === marker), { what: 'the first batch' });
    return dispatcher;
  }

  it('runs each free batch once, whichever server gets it', async () => {
    world.running = () => delay(3 * Math.random());
    const names = world.add(400);
    for (let n = 0; n < 4; n++) start(4, 200);
    await allAreRun(400);

    expect(world.runs.map(({ batch }) => batch).sort()).toEqual(names.sort());
    expect(new Set(world.runs.map(({ server }) => server)).size).toBe(4);
  });

  it('never runs more batches than the server has worker slots', async () => {
    world.running = () => delay(5 * Math.random());
    world.add(60);
    start(3, 100);
    start(1, 100);
    await allAreRun(60);

    expect([world.mostInWork.get(1), world.mostInWork.get(2)]).toEqual([3, 1]);
  });

  it('polls at once when batches are announced', async () => {
    const dispatcher = await idle(2, NEVER);
    world.add(5);
    dispatcher.announce();
    await allAreRun(6);

    expect(world.runsOfEach).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('runs each batch once after a hundred announcements', async () => {
    const dispatcher = await idle(2, NEVER);
    world.running = () => delay(10);
    for (let n = 0; n < 100; n++) {
      if (n % 20 === 0) world.add(1);
      dispatcher.announce();
      await delay(1);
    }
    await allAreRun(6);

    expect(world.runsOfEach).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('finds unannounced batches within the interval', async () => {
    await idle(2, 200);
    world.add(3);
    const since = performance.now();
    await allAreRun(4);

    expect(performance.now() - since).toBeLessThan(1.25 * 200 + 500);
  });

  it('runs a released batch again', async () => {
    const dispatcher = await idle(2, NEVER);
    const [name] = world.add(1);
    dispatcher.announce();
    await allAreRun(2);
    world.freeAgain(name);
    // Its job may not have ended yet, and then the announcement is lost, as any may be.
    await waitUntil(
      () => {
        dispatcher.announce();
        return world.runs.length === 3;
      },
      { what: 'the second run' },
    );

    expect(world.runs.filter(({ batch }) => batch === name)).toHaveLength(2);
  });

  it('reports a database error, and polls again after the interval', async () => {
    world.freeFails = new Error('the database is away');
    world.add(3);
    const since = performance.now();
    start(2, 50);
    await waitUntil(() => world.troubles.length >= 5, { what: 'five reports' });
    expect(world.troubles[0]).toEqual({ step: 'looking for free batches', error: world.freeFails });
    expect(world.looks).toBeLessThanOrEqual((performance.now() - since) / (0.75 * 50) + 2);

    world.freeFails = null;
    await allAreRun(3);
    expect(world.runsOfEach).toEqual([1, 1, 1]);
  });

  it('reports failed claims once an interval, and gets the batches later', async () => {
    world.claimFails = new Error('the database is away');
    world.add(100);
    const since = performance.now();
    start(2, 50);
    await waitUntil(() => world.troubles.length >= 10, { what: 'ten reports' });
    expect(world.troubles[0]).toEqual({ step: 'claiming a batch', error: world.claimFails });
    const intervals = (performance.now() - since) / (0.75 * 50);
    expect(world.claims).toBeLessThanOrEqual(2 * (intervals + 2));

    world.claimFails = null;
    await allAreRun(100);
    expect(world.runsOfEach).toHaveLength(100);
  });

  it('goes on after a run that rejects', async () => {
    world.running = () => Promise.reject(new Error('never'));
    world.add(3);
    start(1, NEVER);
    await allAreRun(3);
    await waitUntil(() => world.troubles.length === 3, { what: 'three reports' });

    expect(world.troubles.map(({ step }) => step)).toEqual(Array(3).fill('running a batch'));
  });

  it('starts no batch after stop, and lets running ones end', async () => {
    const runs = new HeldRuns();
    world.running = runs.run;
    world.add(10);
    const dispatcher = start(2, 20);
    await waitUntil(() => runs.held === 2, { what: 'both worker slots to be busy' });
    await dispatcher.stop();
    dispatcher.announce();
    runs.release();

    // Another server gets all other batches, so the first one would have had time for them.
    const other = implementation.server(test);
    servers.push(other);
    world.running = async () => {};
    void other.dispatcher.start(world.context(2, { numBatchThreads: 1, pollIntervalMs: 20 }));
    await allAreRun(10);
    expect(world.runs.filter(({ server }) => server === 1)).toHaveLength(2);
  });

  it('waits in stop for pending claims, and runs the claimed batches', async () => {
    const context = world.context(1, { numBatchThreads: 1, pollIntervalMs: 20 });
    world.add(1);
    let answer = (): void => {};
    const answered = new Promise<void>((resolve) => (answer = resolve));
    let isAsked = false;
    const server = implementation.server(test);
    servers.push(server);
    void server.dispatcher.start({
      ...context,
      work: {
        ...context.work,
        claim: async (batch) => {
          isAsked = true;
          await answered;
          return context.work.claim(batch);
        },
      },
    });
    await waitUntil(() => isAsked, { what: 'a claim' });
    let isStopped = false;
    const stopped = server.dispatcher.stop().then(() => (isStopped = true));
    await new Promise((resolve) => void setImmediate(resolve));
    expect(isStopped).toBe(false);
    answer();
    await stopped;
    await allAreRun(1);
  });

  it('can be stopped before it was started, while it starts, and twice', async () => {
    world.add(1);
    const never = implementation.server(test).dispatcher;
    await never.stop();
    const dispatcher = start(1, 20);
    await Promise.all([dispatcher.stop(), dispatcher.stop()]);
    await dispatcher.stop();

    expect(world.runs.length).toBeLessThanOrEqual(1);
    expect(world.troubles).toEqual([]);
  });

  it('takes no batch without worker slots, and announces batches to others', async () => {
    const announcer = start(0, 20);
    const [, taker] = [announcer, await idle(1, NEVER)];
    world.add(3);
    announcer.announce();
    // With polling alone a server has no announcements of others.
    if (implementation.name === 'PollingDispatcher') taker.announce();
    await allAreRun(4);

    expect(new Set(world.runs.map(({ server }) => server))).toEqual(new Set([2]));
  });
});
