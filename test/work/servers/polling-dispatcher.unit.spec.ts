import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PollingDispatcher } from '../../../libs/mailing/src/work/execution/polling.dispatcher.js';
import { BatchWorld, HeldRuns } from '../../conformance/batch.world.js';
import { waitUntil } from '../../support/wait-until.js';

describe('PollingDispatcher', () => {
  let world: BatchWorld;
  let dispatchers: PollingDispatcher[];

  beforeEach(() => {
    world = new BatchWorld();
    dispatchers = [];
  });
  afterEach(() => Promise.all(dispatchers.map((dispatcher) => dispatcher.stop())));

  function start(numBatchThreads: number, pollIntervalMs: number): PollingDispatcher {
    const dispatcher = new PollingDispatcher();
    dispatchers.push(dispatcher);
    dispatcher.start(world.context(dispatchers.length, { numBatchThreads, pollIntervalMs }));
    return dispatcher;
  }

  /** Resolves when a dispatcher that polls every 20 ms has polled five times: by then any other has polled, too. */
  async function someIntervals(): Promise<void> {
    const clock = new BatchWorld();
    const dispatcher = new PollingDispatcher();
    dispatcher.start(clock.context(1, { numBatchThreads: 1, pollIntervalMs: 20 }));
    await waitUntil(() => clock.looks >= 5, { what: 'some intervals' });
    await dispatcher.stop();
  }

  it('polls once for each interval when there is no work, however many worker slots are free', async () => {
    const pollIntervalMs = 100;
    const since = performance.now();
    start(16, pollIntervalMs);
    await waitUntil(() => world.looks >= 5, { what: 'five polls' });
    const intervals = (performance.now() - since) / pollIntervalMs;

    // The first poll is at once, and the shortest interval is three quarters.
    expect(intervals).toBeGreaterThan(4 * 0.75 - 0.1);
    expect(world.looks).toBeLessThanOrEqual(1 + intervals / 0.75);
  });

  it('stops polling while all worker slots are busy, and polls at once when one is free', async () => {
    const runs = new HeldRuns();
    world.running = runs.run;
    world.add(5);
    start(2, 20);
    await waitUntil(() => runs.held === 2, { what: 'both worker slots to be busy' });
    const { looks } = world;
    await someIntervals();
    expect(world.looks).toBe(looks);

    runs.release(1);
    await waitUntil(() => world.runs.length === 3, { what: 'the third batch' });
    world.running = async () => {};
    runs.release();
    await waitUntil(() => world.runs.length === 5, { what: 'all batches' });
    expect(world.mostInWork.get(1)).toBe(2);
  });

  it('spreads its claims over the head of the list, so that servers that poll together do not all claim the same batch', async () => {
    world.add(1_000);
    world.running = () => delay(5 + 20 * Math.random());
    for (let n = 0; n < 8; n++) start(4, 1_000);
    await waitUntil(() => world.numFree === 0, { what: 'all batches to be claimed' });

    expect(world.runsOfEach).toHaveLength(1_000);
    // If all claimed the first of the list, it would be up to eight claims for each batch.
    expect(world.claims).toBeLessThan(1.3 * 1_000);
  });

  it('does not loop over a list of which it never gets a claim', async () => {
    world.add(200);
    const context = world.context(1, { numBatchThreads: 4, pollIntervalMs: 10_000 });
    const dispatcher = new PollingDispatcher();
    dispatchers.push(dispatcher);
    dispatcher.start({ ...context, work: { ...context.work, claim: async () => null } });
    await waitUntil(() => world.looks >= 3, { what: 'three polls' });
    await someIntervals();

    expect(world.looks).toBe(3);
  });

  it('tries the rest of the list when a claim gets nothing', async () => {
    const names = world.add(10);
    const context = world.context(1, { numBatchThreads: 1, pollIntervalMs: 10_000 });
    const tried: number[] = [];
    const dispatcher = new PollingDispatcher();
    dispatchers.push(dispatcher);
    dispatcher.start({
      ...context,
      work: {
        ...context.work,
        claim: async (batch) => {
          tried.push(batch.startIdx);
          return tried.length < names.length ? null : context.work.claim(batch);
        },
      },
    });
    await waitUntil(() => world.runs.length === 1, { what: 'the last batch of the list' });

    expect(new Set(tried).size).toBe(10);
  });
});
