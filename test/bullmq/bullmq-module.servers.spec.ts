import { BullModule, getQueueToken } from '@nestjs/bullmq';
import { Injectable, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import type { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import {
  BullMqDispatcher,
  MailingBullMqModule,
  type MailingBullMqOptions,
  MailingBullMqOptionsError,
  type MailingBullMqOptionsFactory,
} from 'nestjs-mailing/bullmq';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BatchWorld } from '../conformance/batch.world.js';
import { freePort } from '../support/network/free-port.js';
import { anyRedis, canUseRedis } from '../support/servers/redis.server.js';
import { waitUntil } from '../support/wait-until.js';

type Imports = NonNullable<Parameters<typeof Test.createTestingModule>[0]['imports']>;

const hasRedis = await canUseRedis();

describe('MailingBullMqModule', () => {
  const apps: TestingModule[] = [];

  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });

  async function appWith(...imports: Imports): Promise<TestingModule> {
    const app = await Test.createTestingModule({ imports }).compile();
    apps.push(app);
    return app.init();
  }

  const refusalOf = async (options: unknown): Promise<unknown> => {
    try {
      await appWith(MailingBullMqModule.forRoot(options as MailingBullMqOptions));
    } catch (error) {
      return error;
    }
    return null;
  };

  it.each([
    ['connection', {}, 'a URL', 'got none', 'BullModule.forRoot'],
    ['connection', { connection: 'localhost:6379' }, 'a URL', 'got a text of 14 characters', 'Correct it'],
    ['connection', { connection: 7 }, 'a URL', 'got a number', 'Correct it'],
    [
      'queueName',
      { connection: {}, queueName: 'a:b' },
      'without a colon',
      'got a text of 3 characters',
      'Correct it',
    ],
    ['queueName', { connection: {}, queueName: '' }, 'not empty', 'got an empty text', 'Correct it'],
    ['prefix', { connection: {}, prefix: 3 }, 'a text', 'got a number', 'Correct it'],
    [
      'clusterRatePerSecond',
      { connection: {}, clusterRatePerSecond: 0 },
      'from 1',
      'got the number 0',
      'Correct it',
    ],
    [
      'clusterRatePerSecond',
      { connection: {}, clusterRatePerSecond: 1.5 },
      'whole',
      'got the number 1.5',
      'Correct it',
    ],
    [
      'rate',
      { connection: {}, rate: 5 },
      'queueName, prefix, clusterRatePerSecond',
      'got a number',
      'Correct it',
    ],
  ])('refuses a wrong %s: %j', async (option, options, ...words) => {
    const error = await refusalOf(options);

    expect(error).toBeInstanceOf(MailingBullMqOptionsError);
    expect(error).toMatchObject({ code: 'MAILING_BULLMQ_OPTIONS', option });
    for (const word of words) expect((error as Error).message).toContain(word);
  });

  it('refuses a client instance, without showing its password', async () => {
    const client = new Redis({ lazyConnect: true, password: 'secret' });
    const error = await refusalOf({ connection: client });

    expect(error).toBeInstanceOf(MailingBullMqOptionsError);
    expect((error as Error).message).toContain('got a client');
    expect((error as Error).message).not.toContain('secret');
  });

  it('starts and stops where there is no Redis', async () => {
    const app = await appWith(
      MailingBullMqModule.forRoot({ connection: `redis://127.0.0.1:${await freePort()}` }),
    );
    const world = new BatchWorld();
    world.add(3);
    app
      .get(BullMqDispatcher, { strict: false })
      .start(world.context(1, { numBatchThreads: 2, pollIntervalMs: 50 }));
    await waitUntil(() => world.runs.length === 3, { what: 'all batches' });
    const since = performance.now();
    await apps.pop()?.close();

    expect(performance.now() - since).toBeLessThan(2_000);
    expect(world.troubles.map(({ step }) => step)).toEqual(['reaching Redis']);
  });

  describe.skipIf(!hasRedis)('with a Redis', () => {
    let redis: { url: string; stop(): Promise<void> };
    let number = 0;

    beforeAll(async () => {
      redis = await anyRedis();
    });
    afterAll(() => redis.stop());

    /** @returns how often each of three batches was run. */
    async function runs(app: TestingModule): Promise<number[]> {
      const world = new BatchWorld();
      world.add(3);
      app
        .get(BullMqDispatcher, { strict: false })
        .start(world.context(1, { numBatchThreads: 2, pollIntervalMs: 60_000 }));
      await waitUntil(() => world.runs.length === 3, { what: 'all batches' });
      expect(world.troubles).toEqual([]);
      return world.runsOfEach;
    }

    const prefix = (): string => `module-${process.pid}-${number++}`;

    it('works with forRoot options, and uses the configured queue name', async () => {
      const options = { connection: redis.url, prefix: prefix(), queueName: 'letters' };
      const app = await appWith(MailingBullMqModule.forRoot(options));
      expect(await runs(app)).toEqual([1, 1, 1]);

      const queue = app.get<Queue>(getQueueToken('nestjs-mailing'), { strict: false });
      expect(queue.qualifiedName).toBe(`${options.prefix}:letters`);
    });

    it('works with options of a factory, of a class, and of a provider', async () => {
      const options = { connection: redis.url, prefix: prefix() };
      @Injectable()
      class Configuration implements MailingBullMqOptionsFactory {
        createMailingBullMqOptions(): MailingBullMqOptions {
          return { ...options, prefix: prefix() };
        }
      }
      @Module({ providers: [Configuration], exports: [Configuration] })
      class ConfigurationModule {}

      const ways = [
        { useFactory: async () => options },
        { useClass: Configuration },
        { imports: [ConfigurationModule], useExisting: Configuration },
      ];
      for (const way of ways) {
        const app = await appWith(MailingBullMqModule.forRootAsync(way));
        expect(await runs(app)).toEqual([1, 1, 1]);
      }
    });

    it('takes connection and prefix of BullModule where it has none of its own', async () => {
      const shared = prefix();
      const { hostname: host, port } = new URL(redis.url);
      const app = await appWith(
        BullModule.forRoot({ connection: { host, port: Number(port) }, prefix: shared }),
        MailingBullMqModule.forRoot({}),
      );
      expect(await runs(app)).toEqual([1, 1, 1]);

      const queue = app.get<Queue>(getQueueToken('nestjs-mailing'), { strict: false });
      expect(queue.qualifiedName).toBe(`${shared}:mailing-batches`);
    });
  });
});
