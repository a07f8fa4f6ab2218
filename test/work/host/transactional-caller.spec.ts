import type { DynamicModule } from '@nestjs/common';
import { TypeOrmModule, type TypeOrmModuleOptions } from '@nestjs/typeorm';
import { HostTransactionOpenError, mailingEntities, recipientsFromQuery } from 'nestjs-mailing';
import { DataSource, type Repository } from 'typeorm';
import {
  addTransactionalDataSource,
  deleteDataSourceByName,
  initializeTransactionalContext,
  IsolationLevel,
  runInTransaction,
  StorageDriver,
} from 'typeorm-transactional';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataSourceOptionsOf } from '../../../src/database/data-source.options.js';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { Customer } from '../../support/hosts/customer.entity.js';
import { forEachServer } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { ShopModule, ShopProfiles } from '../../support/hosts/shop-profiles.js';
import { waitUntil } from '../../support/wait-until.js';

initializeTransactionalContext({ storageDriver: StorageDriver.ASYNC_LOCAL_STORAGE });

const SNAPSHOT = { isolationLevel: IsolationLevel.REPEATABLE_READ };

class CallerChangedItsMind extends Error {}

async function rolledBack<T>(work: () => Promise<T>): Promise<T> {
  let result: T | undefined;
  const failing = runInTransaction(async () => {
    result = await work();
    throw new CallerChangedItsMind();
  });
  await expect(failing).rejects.toThrow(CallerChangedItsMind);
  return result as T;
}

forEachServer('a caller of typeorm-transactional with a transaction open', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  let app: MailingApp;
  /** Outside of the application, as another process of the host. */
  let outside: Repository<Customer>;
  let inside: Repository<Customer>;
  let list: { userId: string }[];

  beforeEach(async () => {
    const host = await rig.database.connect({
      entities: [...mailingEntities, Customer],
      synchronize: true,
    });
    outside = host.getRepository(Customer);
    const rows = Array.from({ length: 50 }, (_, n) => ({ mail: `reader${n}@home.example`, wantsMail: 1 }));
    list = (await outside.save(outside.create(rows))).map(({ number }) => ({ userId: `${number}` }));
    app = await rig.boot({ profileRepository: ShopProfiles }, { imports: [{ module: ShopModule }] });
    const dataSource = app.nest.get(DataSource);
    addTransactionalDataSource(dataSource);
    inside = dataSource.getRepository(Customer);
  });

  afterEach(() => deleteDataSourceByName('default'));

  it.each([true, false])(
    'whose snapshot is older than 50 opt-outs: no recipient that opted out is sent to (in the background: %s)',
    async (runInSeparateThread) => {
      const { mailingId } = await runInTransaction(async () => {
        expect(await inside.countBy({ wantsMail: 1 })).toBe(50);
        await outside.update({ wantsMail: 1 }, { wantsMail: 0 });
        // The snapshot of the transaction does not have it.
        expect(await inside.countBy({ wantsMail: 1 })).toBe(50);
        const handle = await app.sender.sendEmailMessage(INFO, list, {
          persist: true,
          runInSeparateThread,
        });
        await handle.completed;
        return handle;
      }, SNAPSHOT);
      expect([...rig.inbox.countsByRecipient()]).toEqual([]);
      const progress = await rig.progress(mailingId as string);
      assertProgressAddsUp(progress);
      expect(progress.byStatus).toEqual({ skipped: 50 });
      expect(new Set(progress.recipients.map(({ errorCode }) => errorCode))).toEqual(new Set(['opted_out']));
    },
  );

  it('whose snapshot is older than 50 opt-outs: a mailing that is not persisted sends to none of them either', async () => {
    await runInTransaction(async () => {
      await inside.count();
      await outside.update({ wantsMail: 1 }, { wantsMail: 0 });
      const { completed } = await app.sender.sendEmailMessage(INFO, list);
      expect(await completed).toMatchObject({ numSent: 0, numSkipped: 50 });
    }, SNAPSHOT);
    expect([...rig.inbox.countsByRecipient()]).toEqual([]);
  });

  it.each([true, false])(
    'that is rolled back: lastEmailed of all profiles that were mailed is kept (in the background: %s)',
    async (runInSeparateThread) => {
      await rolledBack(async () => {
        expect(await inside.count()).toBe(50);
        const handle = await app.sender.sendEmailMessage(INFO, list, {
          persist: true,
          runInSeparateThread,
        });
        await handle.completed;
      });
      expect(rig.inbox.messages).toHaveLength(50);
      const rows = await outside.find();
      expect(rows.filter(({ lastMail }) => lastMail === null)).toEqual([]);
    },
  );

  it('that is rolled back right after a mailing was accepted: the mailing is stored and sent', async () => {
    const { mailingId } = await rolledBack(async () => {
      await inside.update({ number: Number(list[0].userId) }, { points: 7 });
      return app.sender.sendEmailMessage(INFO, list, { persist: true });
    });
    await rig.reached(mailingId as string, 'completed');
    await rig.assertAllSent(mailingId as string, 50);
    expect(await outside.countBy({ points: 7 })).toBe(0);
  });

  it('that locks the rows of the profiles: lastEmailed is written once it has ended', async () => {
    await runInTransaction(async () => {
      await inside.update({ points: 0 }, { points: 7 });
      const how = { persist: true, runInSeparateThread: false };
      const { completed } = await app.sender.sendEmailMessage(INFO, list, how);
      expect(await completed).toMatchObject({ numSent: 50 });
      expect((await outside.find()).map(({ lastMail }) => lastMail)).toEqual(list.map(() => null));
    });
    const told = async (): Promise<boolean> =>
      (await outside.find()).every(({ lastMail, points }) => lastMail !== null && points === 7);
    await waitUntil(told, { what: 'lastEmailed' });
  });

  it('reads the list within its own transaction, while profiles are the committed ones', async () => {
    const { mailingId, completed } = await rolledBack(async () => {
      await inside.insert({ mail: 'new@home.example', points: 7 });
      const query = inside.createQueryBuilder('customer').where('customer.points = 7');
      const byAddress = recipientsFromQuery(query, {
        id: 'number',
        toRecipient: ({ mail }) => mail as string,
      });
      const handle = await app.sender.sendEmailMessage(INFO, byAddress, { persist: true });
      const byProfile = await app.sender.sendEmailMessage(
        INFO,
        recipientsFromQuery(query, { id: 'number' }),
        {
          persist: true,
        },
      );
      expect(await byProfile.completed).toMatchObject({ numProfiles: 1, numSkipped: 1 });
      const { recipients } = await rig.progress(byProfile.mailingId as string);
      expect(recipients.map(({ errorCode }) => errorCode)).toEqual(['no_profile']);
      return handle;
    });
    expect(await completed).toMatchObject({ numProfiles: 1, numSent: 1 });
    await rig.assertAllSent(mailingId as string, 1);
  });
});

describe('a caller of typeorm-transactional with a transaction open (sqlite)', () => {
  const rig = MailingRig.forEachTest('sqlite');
  let customers: Repository<Customer>;

  /** @param own options of a data source that the plugin has for itself; without it, it shares that of the host. */
  const boot = async (own?: object): Promise<MailingApp> => {
    await rig.database.connect({ entities: [...mailingEntities, Customer], synchronize: true });
    const imports: DynamicModule[] = [TypeOrmModule.forFeature([Customer])];
    const options = {
      ...dataSourceOptionsOf(rig.database.url),
      ...own,
      name: 'mailing',
    } as TypeOrmModuleOptions;
    if (own) imports.push(TypeOrmModule.forRoot({ ...options, autoLoadEntities: true }));
    const app = await rig.boot(own ? ({ dataSource: 'mailing' } as object) : {}, { imports });
    const dataSource = app.nest.get(DataSource);
    addTransactionalDataSource(dataSource);
    customers = dataSource.getRepository(Customer);
    return app;
  };

  afterEach(() => deleteDataSourceByName('default'));

  it('is refused, and no message is sent, where the plugin shares the data source', async () => {
    const app = await boot();
    await rolledBack(async () => {
      expect(await customers.count()).toBe(0);
      const sending = app.sender.sendEmailMessage(INFO, people(3), { persist: true });
      await expect(sending).rejects.toThrow(HostTransactionOpenError);
    });
    expect(await app.query.list()).toEqual([]);
    expect(rig.inbox.messages).toEqual([]);
  });

  it('rolls back nothing of mailings in progress, where the plugin shares the data source', async () => {
    const app = await boot();
    const handle = await app.sender.sendEmailMessage(INFO, people(400), { persist: true });
    await rig.inbox.waitFor(20);
    let seen = 0;
    let since = performance.now();
    const isQuiet = (): boolean => {
      if (seen !== (seen = rig.inbox.messages.length)) since = performance.now();
      return performance.now() - since > 300;
    };
    await rolledBack(async () => {
      await customers.insert({ mail: 'ann@home.example' });
      await waitUntil(isQuiet, { what: 'messages in flight to end' });
    });
    await handle.completed;
    expect(await customers.count()).toBe(0);
    await rig.assertAllSent(handle.mailingId as string, 400);
  });

  it('may send a mailing that is not persisted, where the plugin shares the data source', async () => {
    const app = await boot();
    await rolledBack(async () => {
      const handle = await app.sender.sendEmailMessage(INFO, people(3), {
        runInSeparateThread: false,
        persist: false,
      });
      expect(await handle.completed).toMatchObject({ numSent: 3 });
    });
  });

  it('may send a persisted mailing, which is stored, where the plugin has a data source of its own', async () => {
    const app = await boot({});
    const { mailingId } = await rolledBack(async () => {
      expect(await customers.count()).toBe(0);
      const handle = await app.sender.sendEmailMessage(INFO, people(3), { persist: true });
      await handle.completed;
      return handle;
    });
    await rig.assertAllSent(mailingId as string, 3);
  });

  it('is refused where the plugin has a data source of its own, and no message is sent, once the transaction has written', async () => {
    const app = await boot({ timeout: 20 });
    await rolledBack(async () => {
      await customers.insert({ mail: 'ann@home.example' });
      const sending = app.sender.sendEmailMessage(INFO, people(3), { persist: true });
      await expect(sending).rejects.toThrow('database is locked');
    });
    expect(await app.query.list()).toEqual([]);
    expect(rig.inbox.messages).toEqual([]);
  });
});
