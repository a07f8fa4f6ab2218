import { Queue } from 'bullmq';
import { MailBatch } from 'nestjs-mailing';
import { BullMqDispatcher, MailingBullMqModule, type MailingBullMqOptions } from 'nestjs-mailing/bullmq';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MailingApp } from '../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../support/hosts/mailing-rig.js';
import { canHaveRedis } from '../support/servers/redis.programs.js';
import { type RedisServer, startRedis } from '../support/servers/redis.server.js';
import { waitUntil } from '../support/wait-until.js';

/** So long that nothing in these tests is caused by its end. */
const NEVER = 600_000;
const DEADLINE_MS = 60_000;

describe.skipIf(!(await canHaveRedis()))('batches over Redis', { timeout: 2 * DEADLINE_MS }, () => {
  let redis: RedisServer;

  // Registered before the rig, so that Redis outlives the applications.
  beforeEach(async () => {
    redis = await startRedis();
  });
  afterEach(() => redis.stop());
  const rig = MailingRig.forEachTest('mariadb');

  function boot(
    id: string,
    takes: boolean,
    pollIntervalMs: number,
    options: MailingBullMqOptions = {},
  ): Promise<MailingApp> {
    return rig.boot(
      {
        uniqServerId: id,
        enabledAsTemplateMailServer: takes,
        batch: { pollIntervalMs, numBatchThreads: 2, dispatcher: BullMqDispatcher },
      },
      { imports: [MailingBullMqModule.forRoot({ connection: redis.url, ...options })] },
    );
  }

  async function send(app: MailingApp, number: number, batchSize: number): Promise<string> {
    const { mailingId } = await app.sender.sendEmailMessage(
      { ...INFO, batched: true, batchSize },
      people(number),
      { persist: true },
    );
    return mailingId as string;
  }

  const received = (number: number): Promise<unknown> =>
    waitUntil(() => rig.inbox.messages.length >= number, {
      what: `${number} messages`,
      deadlineMs: DEADLINE_MS,
    });

  async function serversOf(mailingId: string): Promise<Set<string | null>> {
    const batches = await rig.database.dataSource.getRepository(MailBatch).findBy({ mailingId });
    return new Set(batches.map(({ uniqServerId }) => uniqServerId));
  }

  it('announcements reach servers that would not poll, and nothing stays in Redis', async () => {
    const announcer = await boot('test:1', false, NEVER);
    await boot('test:2', true, NEVER);
    await boot('test:3', true, NEVER);
    const mailingId = await send(announcer, 600, 20);
    await rig.reached(mailingId, 'completed', DEADLINE_MS);

    await rig.assertAllSent(mailingId, 600);
    expect(await serversOf(mailingId)).toEqual(new Set(['test:2', 'test:3']));
    const queue = new Queue('mailing-batches', { connection: { url: redis.url } });
    const isEmpty = async (): Promise<boolean> =>
      Object.values(await queue.getJobCounts()).every((count) => count === 0);
    expect(await waitUntil(isEmpty, { what: 'the queue to be empty' })).toBe(true);
    await queue.close();
  });

  it.each(['killed, and back empty', 'emptied', 'killed for good'])(
    'each recipient gets one copy when Redis is %s in the middle of a mailing',
    async (what) => {
      const announcer = await boot('test:1', false, 500);
      const takers = [await boot('test:2', true, 500), await boot('test:3', true, 500)];
      const failedSteps: string[] = [];
      for (const app of takers) app.events.on('server:error', ({ step }) => failedSteps.push(step));
      const mailingId = await send(announcer, 4_000, 50);
      await received(800);
      if (what === 'emptied') await redis.command('FLUSHALL');
      else await redis.kill();
      await received(2_000);
      if (what === 'killed, and back empty') await redis.start();
      await rig.reached(mailingId, 'completed', DEADLINE_MS);

      await rig.assertAllSent(mailingId, 4_000);
      expect(await serversOf(mailingId)).toEqual(new Set(['test:2', 'test:3']));
      expect(failedSteps).toEqual(what === 'emptied' ? [] : ['reaching Redis', 'reaching Redis']);
    },
  );

  it('a server that is stopped passes its batches on through Redis', async () => {
    const announcer = await boot('test:1', false, 300);
    const stopped = await boot('test:2', true, 300);
    const mailingId = await send(announcer, 2_000, 100);
    await received(300);
    await boot('test:3', true, 300);
    await stopped.close();
    rig.apps.splice(rig.apps.indexOf(stopped), 1);
    await rig.reached(mailingId, 'completed', DEADLINE_MS);

    await rig.assertAllSent(mailingId, 2_000);
    expect(await serversOf(mailingId)).toContain('test:3');
  });

  it('all servers together keep to clusterRatePerSecond', async () => {
    const [rate, number, batchSize] = [100, 400, 20];
    const options = { clusterRatePerSecond: rate };
    const announcer = await boot('test:1', false, 300, options);
    await boot('test:2', true, 300, options);
    await boot('test:3', true, 300, options);
    const mailingId = await send(announcer, number, batchSize);
    await received(1);
    const since = performance.now();
    await rig.reached(mailingId, 'completed', DEADLINE_MS);
    const seconds = (performance.now() - since) / 1_000;

    // The first batch starts at once, and the last is followed by no wait.
    expect(seconds).toBeGreaterThan((number - 2 * batchSize) / rate);
    expect(seconds).toBeLessThan(3 * (number / rate));
    await rig.assertAllSent(mailingId, number);
  });
});
