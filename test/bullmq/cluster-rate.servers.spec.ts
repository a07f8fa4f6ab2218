import { setTimeout as delay } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BullMqDispatcher } from '../../libs/bullmq/src/bull-mq.dispatcher.js';
import { BatchWorld, HeldRuns } from '../conformance/batch.world.js';
import { bullMqServer } from '../support/hosts/bull-mq-server.js';
import { canHaveRedis } from '../support/servers/redis.programs.js';
import { type RedisServer, startRedis } from '../support/servers/redis.server.js';
import { waitUntil } from '../support/wait-until.js';

const POLL_MS = 200;

describe.skipIf(!(await canHaveRedis()))('clusterRatePerSecond', () => {
  let redis: RedisServer;
  let world: BatchWorld;
  let servers: BullMqDispatcher[];
  /** The start times of all messages. */
  let begun: number[];

  beforeEach(async () => {
    redis = await startRedis();
    world = new BatchWorld();
    servers = [];
    begun = [];
  });
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.beforeApplicationShutdown()));
    await redis.stop();
  });

  function start(number: number, clusterRatePerSecond: number, numBatchThreads = 4): void {
    for (let n = 0; n < number; n++) {
      const server = bullMqServer({ connection: redis.url, clusterRatePerSecond });
      servers.push(server);
      server.start(world.context(servers.length, { numBatchThreads, pollIntervalMs: POLL_MS }));
    }
  }

  /** The worst run that is allowed: all messages of a second in its first moment. */
  async function inBursts(ratePerSecond: number): Promise<void> {
    for (let left = world.numWaiting; left > 0; left -= ratePerSecond) {
      for (let n = 0; n < Math.min(left, ratePerSecond); n++) begun.push(performance.now());
      if (left > ratePerSecond) await delay(1_000);
    }
  }

  function mostWithin(windowMs: number): number {
    const inWindow = begun.map((from) => begun.filter((at) => at >= from && at < from + windowMs).length);
    return Math.max(...inWindow);
  }

  async function allBegun(messages: number): Promise<number> {
    const since = performance.now();
    await waitUntil(() => begun.length >= messages, { what: `${messages} messages`, deadlineMs: 25_000 });
    return (performance.now() - since) / 1_000;
  }

  it('is the rate of all servers together, however many worker slots they have', async () => {
    const [rate, perBatch, batches] = [200, 20, 40];
    world.numWaiting = perBatch;
    world.running = (_, ratePerSecond) => inBursts(ratePerSecond ?? Number.POSITIVE_INFINITY);
    world.add(batches);
    start(3, rate);
    const seconds = await allBegun(batches * perBatch);

    // The last batch is not followed by a wait. Timers may be a little early.
    expect(seconds).toBeGreaterThan(((batches - 1) * perBatch) / rate - 0.1);
    expect(seconds).toBeLessThan(2 * ((batches * perBatch) / rate) + 2);
    for (const window of [1, 2]) {
      expect(mostWithin(1_000 * window)).toBeLessThanOrEqual(rate * window + 2 * perBatch);
    }
    // No batch has more messages than one second allows.
    expect(new Set(world.runs.map(({ ratePerSecond }) => ratePerSecond))).toEqual(new Set([undefined]));
    expect(world.runsOfEach).toEqual(Array(batches).fill(1));
  });

  it('holds for batches larger than it', async () => {
    const [rate, perBatch, batches] = [50, 100, 3];
    world.numWaiting = perBatch;
    world.running = (_, ratePerSecond) => inBursts(ratePerSecond ?? Number.POSITIVE_INFINITY);
    world.add(batches);
    start(2, rate);
    const seconds = await allBegun(batches * perBatch);

    expect(seconds).toBeGreaterThan(((batches - 1) * perBatch + rate) / rate - 0.1);
    // Where one batch ends the next begins, and each may start with the messages of one second.
    expect(mostWithin(1_000)).toBeLessThanOrEqual(2 * rate);
    expect(mostWithin(4_000)).toBeLessThanOrEqual(4 * rate + perBatch);
    expect(new Set(world.runs.map(({ ratePerSecond }) => ratePerSecond))).toEqual(new Set([rate]));
  });

  it('does not wait for jobs that sent nothing', async () => {
    const queue = new Queue('mailing-batches', { connection: { url: redis.url } });
    const data = { mailingId: 'gone', startIdx: 0 };
    for (let n = 0; n < 20; n++)
      await queue.add('batch', { ...data, startIdx: n }, { removeOnComplete: true });
    await queue.close();
    world.numWaiting = 1;
    world.running = () => inBursts(1);
    world.add(1);
    start(1, 10);

    // Waiting for the time that a claim may take would cost 5 seconds for each.
    expect(await allBegun(1)).toBeLessThan(4);
  });

  it('is divided among the living servers during an outage of Redis', async () => {
    await redis.kill();
    world.numServers = 4;
    const runs = new HeldRuns();
    world.running = runs.run;
    world.add(20);
    start(1, 100, 4);
    await waitUntil(() => runs.held === 4, { what: 'all worker slots to be busy' });

    // A quarter of 100, for 4 worker slots.
    expect(world.runs.map(({ ratePerSecond }) => ratePerSecond)).toEqual([6, 6, 6, 6]);
    runs.release();
  });

  it('uses fewer worker slots where it is less than one message a second for each', async () => {
    await redis.kill();
    world.numServers = 5;
    const runs = new HeldRuns();
    world.running = runs.run;
    world.add(20);
    start(1, 10, 4);
    await waitUntil(() => runs.held === 2, { what: 'two worker slots to be busy' });
    const { looks, counts } = world;
    await waitUntil(() => world.counts >= counts + 3, { what: 'three more intervals' });

    // There are free batches and free worker slots, and no server asks for batches without a result.
    expect(world.looks).toBe(looks);
    expect(world.runs.map(({ ratePerSecond }) => ratePerSecond)).toEqual([1, 1]);
    world.numServers = 1;
    await waitUntil(() => runs.held === 4, { what: 'the other worker slots, once this server is alone' });
    expect(world.runs.slice(2).map(({ ratePerSecond }) => ratePerSecond)).toEqual([2, 2]);
    runs.release();
  });
});
