import { EventEmitter, once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { MailTemplate } from 'nestjs-mailing';
import type { DataSource, QueryRunner } from 'typeorm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withSharedConnection } from '../../../libs/mailing/src/store/connections/shared-connection.js';
import { onDatabase } from '../../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../../support/databases/fresh-database.js';

class CallerChangedItsMind extends Error {}

onDatabase('sqlite', 'the one connection of SQLite', () => {
  let fresh: FreshDatabase;
  let dataSource: DataSource;
  let runner: QueryRunner;

  beforeEach(async () => {
    fresh = await freshDatabase('sqlite');
    ({ dataSource } = fresh);
    runner = dataSource.createQueryRunner();
  });
  afterEach(() => fresh.dispose());

  const write = (hash: string): Promise<unknown> =>
    runner.query('INSERT INTO dps_mail_template (hash, content) VALUES (?, ?)', [hash, '{}']);
  const written = async (): Promise<string[]> =>
    (await dataSource.getRepository(MailTemplate).find()).map(({ hash }) => hash).sort();
  const rolledBack = (): Promise<void> =>
    dataSource.transaction(async () => {
      await write('of the host');
      throw new CallerChangedItsMind();
    });

  /** A transaction that begins at a sign of the plugin's job, and is rolled back after the plugin has written. */
  const besideThePlugin = (): { wait: () => Promise<void>; pluginJob: () => Promise<void> } => {
    const told = new EventEmitter();
    const sign = once(told, 'sign');
    const pluginWrote = once(told, 'wrote');
    return {
      wait: async () => {
        await sign;
        await dataSource.transaction(async () => {
          await write('of the host');
          await pluginWrote;
          throw new CallerChangedItsMind();
        });
      },
      pluginJob: async () => {
        await runner.startTransaction();
        told.emit('sign');
        await setImmediate();
        await write('of the plugin');
        told.emit('wrote');
        await runner.commitTransaction();
      },
    };
  };

  it('lets the host begin no transaction within one of the plugin', async () => {
    const { wait, pluginJob } = besideThePlugin();
    const host = wait();
    host.catch(() => undefined);
    await withSharedConnection(runner, pluginJob);
    await expect(host).rejects.toThrow(CallerChangedItsMind);
    expect(await written()).toEqual(['of the plugin']);
  });

  it('lets a subscriber that is told of a statement of the plugin begin one, or both would wait for ever', async () => {
    await withSharedConnection(runner, async () => {
      await runner.startTransaction();
      await write('of the plugin');
      await dataSource.transaction(() => write('of a subscriber'));
      await runner.commitTransaction();
      await dataSource.transaction(() => write('after the commit'));
    });
    expect(await written()).toEqual(['after the commit', 'of a subscriber', 'of the plugin']);
  });

  it('lets a subscriber that goes on after the job wait for the next job', async () => {
    const { wait, pluginJob } = besideThePlugin();
    let subscriber: Promise<void> | undefined;
    await withSharedConnection(runner, async () => {
      subscriber = wait();
      subscriber.catch(() => undefined);
    });
    await withSharedConnection(runner, pluginJob);
    await expect(subscriber).rejects.toThrow(CallerChangedItsMind);
    expect(await written()).toEqual(['of the plugin']);
  });

  it('lets the plugin begin none within one of the host', async () => {
    const hosts = rolledBack();
    hosts.catch(() => undefined);
    // The host's transaction has begun, and its statements are still to come.
    await Promise.resolve();
    expect(runner.isTransactionActive).toBe(true);
    await withSharedConnection(runner, async () => {
      await runner.startTransaction();
      await write('of the plugin');
      await runner.commitTransaction();
    });
    await expect(hosts).rejects.toThrow(CallerChangedItsMind);
    expect(await written()).toEqual(['of the plugin']);
  });

  it('lets the host nest its own transactions, also after a failed job of the plugin', async () => {
    const failing = withSharedConnection(runner, () => Promise.reject(new CallerChangedItsMind()));
    await expect(failing).rejects.toThrow(CallerChangedItsMind);
    await dataSource.transaction(async (manager) => {
      await write('outer');
      await expect(
        manager.transaction(async () => {
          await write('inner');
          throw new CallerChangedItsMind();
        }),
      ).rejects.toThrow(CallerChangedItsMind);
    });
    expect(await written()).toEqual(['outer']);
  });
});
