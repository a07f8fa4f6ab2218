import { setTimeout as delay } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BullMqDispatcher } from '../../libs/bullmq/src/bull-mq.dispatcher.js';
import { BatchWorld, HeldRuns } from '../conformance/batch.world.js';
import { bullMqServer } from '../support/hosts/bull-mq-server.js';
import { canHaveRedis } from '../support/servers/redis.programs.js';
import { type RedisServer, startRedis } from '../support/servers/redis.server.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { waitUntil } from '../support/wait-until.js';

/** So long that nothing in these tests is caused by its end. */
const NEVER = 600_000;
const QUEUE = 'mailing-batches';

describe.skipIf(!(await canHaveRedis()))('servers with BullMqDispatcher', () => {
  let redis: RedisServer;
  /** The Redis that the servers connect to. */
  let url: string;
  let world: BatchWorld;
  let servers: BullMqDispatcher[];

  beforeEach(async () => {
    redis = await startRedis();
    url = redis.url;
    world = new BatchWorld();
    servers = [];
  });
  afterEach(async () => {
    redis.thaw();
    await Promise.all(servers.map((server) => server.beforeApplicationShutdown()));
    await redis.stop();
  });

  function start(
    numBatchThreads: number,
    pollIntervalMs: number,
    clusterRatePerSecond?: number,
  ): BullMqDispatcher {
    const server = bullMqServer({ connection: url, clusterRatePerSecond });
    servers.push(server);
    server.start(world.context(servers.length, { numBatchThreads, pollIntervalMs }));
    return server;
  }

  const runsAre = (number: number): Promise<unknown> =>
    waitUntil(() => world.runs.length >= number, { what: `${number} runs` });

  const eachOnce = (number: number): number[] => Array.from({ length: number }, () => 1);

  /** Changes to the queue by an operator, or by another program. */
  async function withQueue<T>(use: (queue: Queue) => Promise<T>): Promise<T> {
    const queue = new Queue(QUEUE, { connection: { url: redis.url } });
    try {
      return await use(queue);
    } finally {
      await queue.close();
    }
  }

  /** True if exactly this number of workers waits for jobs. */
  const workersAre =
    (number: number, on = redis) =>
    async (): Promise<boolean> => {
      const clients = String(await on.command('CLIENT', 'LIST'));
      return clients.split('bzpopmin').length - 1 === number;
    };

  /** True if the only connection to Redis is that of this query. */
  const isLeft = async (): Promise<boolean> => {
    const clients = String(await redis.command('CLIENT', 'LIST', 'TYPE', 'normal'));
    return clients.trim().split('\n').length === 1;
  };

  /** Resolves when an announcement of one server reaches another, while both would not poll. */
  async function newsTravels(announcer: BullMqDispatcher): Promise<void> {
    const before = world.runs.length;
    world.add(1);
    announcer.announce();
    await runsAre(before + 1);
  }

  it('leave nothing in Redis when all is done', async () => {
    world.add(50);
    start(4, 100);
    await runsAre(50);

    const left = await waitUntil(
      () =>
        withQueue(async (queue) => {
          const counts = await queue.getJobCounts();
          return Object.values(counts).every((count) => count === 0) && counts;
        }),
      { what: 'the last job to be gone' },
    );
    expect(left).toMatchObject({ active: 0, waiting: 0, failed: 0, completed: 0, delayed: 0 });
  });

  it('continue without Redis when it is killed, and with it when it is back, empty', async () => {
    world.running = () => delay(5);
    const announcer = start(0, NEVER);
    start(2, NEVER);
    start(2, NEVER);
    world.add(400);
    announcer.announce();
    await runsAre(50);
    await redis.kill();
    await runsAre(200);
    await redis.start();
    await runsAre(400);

    // Both reconnect within a second, and then no server polls any more.
    await waitUntil(workersAre(2), { what: 'both workers to be back' });
    await newsTravels(announcer);
    expect(world.runsOfEach).toEqual(eachOnce(401));
    expect(world.troubles.map(({ step }) => step)).toEqual(Array(3).fill('reaching Redis'));
  });

  it('continue when Redis becomes a replica and keeps its connections, through the new primary', async () => {
    await using proxy = await TcpProxy.start(url);
    const next = await startRedis();
    const warnings: string[] = [];
    const onWarning = ({ message }: Error): unknown => warnings.push(message);
    process.on('warning', onWarning);
    try {
      url = proxy.url;
      world.running = () => delay(5);
      const announcer = start(0, NEVER);
      start(2, 300);
      start(2, 300);
      world.add(400);
      announcer.announce();
      await runsAre(50);
      const { port } = new URL(next.url);
      proxy.leadTo(next.url);
      await redis.command('REPLICAOF', '127.0.0.1', port);
      await runsAre(400);

      await waitUntil(workersAre(2, next), { what: 'both workers to use the new server' });
      await newsTravels(announcer);
      await waitUntil(isLeft, { what: 'the old server to be left' });
      expect(world.runsOfEach).toEqual(eachOnce(401));
      expect(warnings).toEqual([]);
    } finally {
      process.off('warning', onWarning);
      await Promise.all(servers.splice(0).map((server) => server.beforeApplicationShutdown()));
      await next.stop();
    }
  });

  it('lose at most one poll interval when Redis is emptied in the middle', async () => {
    const runs = new HeldRuns();
    world.running = runs.run;
    world.add(10);
    start(1, 300);
    start(1, 300);
    await waitUntil(() => runs.held === 2, { what: 'two running batches' });
    await redis.command('FLUSHALL');
    const since = performance.now();
    world.running = async () => {};
    runs.release();
    await runsAre(10);

    expect(performance.now() - since).toBeLessThan(1.25 * 300 + 500);
    expect(world.runsOfEach).toEqual(eachOnce(10));
    expect(world.troubles).toEqual([]);
  });

  it('work when Redis was never available, report that once, and use it when it starts', async () => {
    await redis.kill();
    world.add(20);
    const announcer = start(0, NEVER);
    start(2, NEVER);
    await runsAre(20);
    // Clients reconnect many times meanwhile; each server reports it once.
    await waitUntil(() => world.troubles.length >= 2, { what: 'both servers to notice' });
    await redis.start();

    await waitUntil(workersAre(1), { what: 'the worker to be there' });
    await newsTravels(announcer);
    expect(world.runsOfEach).toEqual(eachOnce(21));
    expect(world.troubles.map(({ step }) => step)).toEqual(Array(2).fill('reaching Redis'));
  });

  it('treat a Redis that does not answer as an outage', async () => {
    await newsTravels(start(1, 500));
    await redis.freeze();
    world.add(5);
    await runsAre(6);

    expect(world.runsOfEach).toEqual(eachOnce(6));
    expect(world.troubles.map(({ step }) => step)).toEqual(['reaching Redis']);
  });

  it.each(['killed', 'frozen'])('stop without delay while Redis is %s', async (how) => {
    await newsTravels(start(2, NEVER));
    if (how === 'killed') await redis.kill();
    else await redis.freeze();
    const since = performance.now();
    await servers[0].stop();
    expect(performance.now() - since).toBeLessThan(500);
    await servers[0].beforeApplicationShutdown();

    expect(performance.now() - since).toBeLessThan(6_000);
  });

  it('never run more batches than worker slots while Redis goes and comes', async () => {
    const runs = new HeldRuns();
    world.running = runs.run;
    world.add(20);
    start(3, 50);
    await waitUntil(() => runs.held === 3, { what: 'all worker slots to be busy' });
    await redis.kill();
    await waitUntil(() => world.troubles.length > 0, { what: 'the outage to be noticed' });
    runs.release(1);
    await runsAre(4);
    await redis.start();
    await waitUntil(() => redis.command('DBSIZE').then((size) => Number(size) > 0), { what: 'new jobs' });
    world.running = () => delay(5);
    runs.release();
    await runsAre(20);

    expect(world.mostInWork.get(1)).toBe(3);
    expect(world.runsOfEach).toEqual(eachOnce(20));
  });

  it('do not delay jobs that come while a batch started without Redis is still running', async () => {
    const runs = new HeldRuns();
    await redis.kill();
    world.running = runs.run;
    world.add(1);
    const busy = start(1, NEVER);
    await waitUntil(() => runs.held === 1, { what: 'a running batch' });
    await redis.start();
    await waitUntil(workersAre(1), { what: 'the worker to be there' });
    world.running = async () => {};
    world.add(20);
    busy.announce();
    await waitUntil(() => withQueue(async (queue) => (await queue.getActiveCount()) === 1), {
      what: 'a job that waits for the worker slot',
    });
    expect(world.runs).toHaveLength(1);
    runs.release();
    await runsAre(21);

    expect(world.runsOfEach).toEqual(eachOnce(21));
    expect(world.mostInWork.get(1)).toBe(1);
  });

  it('ignore a job that is queued twice, or too late', async () => {
    const [name] = world.add(1);
    const [mailingId, startIdx] = name.split('/');
    const data = { mailingId, startIdx: Number(startIdx) };
    await withQueue(async (queue) => {
      for (const jobId of ['once', 'twice', 'thrice'])
        await queue.add('batch', data, { jobId, removeOnComplete: true });
      await queue.add('batch', { ...data, startIdx: 987_654_300 }, { removeOnComplete: true });
    });
    start(2, 100);
    start(2, 100);
    await waitUntil(
      () => withQueue(async (queue) => (await queue.count()) + (await queue.getActiveCount()) === 0),
      {
        what: 'the queue to be empty',
      },
    );

    expect(world.runs.map(({ batch }) => batch)).toEqual([name]);
    expect(world.troubles).toEqual([]);
  });

  it('report a job that another program has queued, and continue', async () => {
    await withQueue(async (queue) => {
      await queue.add('newsletter', { mailingId: 'x', startIdx: 1 });
      await queue.add('batch', 'rubbish');
      await queue.add('batch', { mailingId: 7, startIdx: 1 });
      await queue.add('batch', { mailingId: 'x', startIdx: '1' });
    });
    world.add(5);
    start(1, 100, 1_000);
    await runsAre(5);
    await waitUntil(() => world.troubles.length >= 4, { what: 'four reports' });

    expect(world.troubles.map(({ step }) => step)).toEqual(Array(4).fill('reading a job'));
    expect(world.runsOfEach).toEqual(eachOnce(5));
  });

  it('do not run a job a second time when its server died; once freed, its batch is run again', async () => {
    const [name] = world.add(1);
    const dead = start(1, NEVER);
    const runs = new HeldRuns();
    world.running = runs.run;
    await runsAre(1);
    // Its job stays locked by no living worker, as it does after a kill.
    await dead.stop();
    await withQueue(async (queue) => {
      const [job] = await queue.getActive();
      await redis.command('DEL', queue.toKey(`${job.id}:lock`));
    });
    start(1, 100);
    await waitUntil(() => withQueue(async (queue) => (await queue.getActiveCount()) === 0), {
      what: 'the job to be taken back',
      deadlineMs: 20_000,
    });
    expect(world.runs).toHaveLength(1);

    world.freeAgain(name);
    await runsAre(2);
    expect(world.runs.map(({ server }) => server)).toEqual([1, 2]);
    runs.release();
  });

  it('return a job that comes while they are being stopped', async () => {
    start(1, NEVER);
    await newsTravels(servers[0]);
    // Whatever the worker does with the job, another server runs it.
    world.add(30);
    servers[0].announce();
    await servers[0].stop();
    start(2, 100);
    await runsAre(31);

    expect(world.runsOfEach).toEqual(eachOnce(31));
  });

  it('run what they have claimed before the stop, even if Redis does not answer', async () => {
    const server = bullMqServer({ connection: redis.url, clusterRatePerSecond: 1_000 });
    servers.push(server);
    const context = world.context(1, { numBatchThreads: 1, pollIntervalMs: NEVER });
    const { work } = context;
    let isClaimed = false;
    const claim: typeof work.claim = async (batch) => {
      const claimed = await work.claim(batch);
      await redis.freeze();
      isClaimed = true;
      return claimed;
    };
    world.add(1);
    server.start({ ...context, work: { ...work, claim } });
    await waitUntil(() => isClaimed, { what: 'the claim' });
    await server.stop();
    expect(world.runs).toHaveLength(1);
  });
});
