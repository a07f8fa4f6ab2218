import { setImmediate } from 'node:timers/promises';
import {
  HostTransactionOpenError,
  InvalidFieldError,
  Mailing,
  mailingEntities,
  MailingNotCommittedError,
  type Recipient,
  type Recipients,
  RecipientListError,
  TransactionDatabaseError,
  type TransactionalMailingHandle,
  TransactionKeyBusyError,
  TransactionListTooLongError,
} from 'nestjs-mailing';
import { DataSource, type EntityManager } from 'typeorm';
import { beforeEach, expect, it } from 'vitest';
import { forEachDatabase, forEachServer, onDatabase } from '../../support/databases/for-each-database.js';
import { freshDatabase } from '../../support/databases/fresh-database.js';
import { refuseRows } from '../../support/databases/refusing-table.js';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { Customer } from '../../support/hosts/customer.entity.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { ShopModule } from '../../support/hosts/shop-profiles.js';
import { waitUntil } from '../../support/wait-until.js';

class CallerChangedItsMind extends Error {}

const NEVER = { heartbeatIntervalMs: 60_000, leaseMs: 180_000 };

/** The application shares its data source with the plugin. */
function shopOf(rig: MailingRig): {
  boot: (mailing?: object) => Promise<MailingApp>;
  host: (app: MailingApp) => DataSource;
} {
  beforeEach(async () => {
    await rig.database.connect({ entities: [...mailingEntities, Customer], synchronize: true });
  });
  return {
    boot: (mailing = {}) => rig.boot(mailing, { imports: [{ module: ShopModule }] }),
    host: (app) => app.nest.get(DataSource),
  };
}

async function rolledBack<T>(
  dataSource: DataSource,
  work: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  let result: T | undefined;
  const failing = dataSource.transaction(async (manager) => {
    result = await work(manager);
    throw new CallerChangedItsMind();
  });
  await expect(failing).rejects.toThrow(CallerChangedItsMind);
  return result as T;
}

forEachDatabase('a mailing within a transaction of the host', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const shop = shopOf(rig);

  const send = (
    app: MailingApp,
    transaction: EntityManager,
    list: Recipients = people(20),
    more: object = {},
  ): Promise<TransactionalMailingHandle> => app.sender.sendEmailMessage(INFO, list, { transaction, ...more });

  /** The number of rows in each table of the plugin that a mailing writes to. */
  const rowsLeft = async (): Promise<number[]> => {
    const tables = mailingEntities.filter(({ name }) => name !== 'MailServer');
    const counts: number[] = [];
    for (const entity of tables) counts.push(await rig.database.dataSource.getRepository(entity).count());
    return counts.filter((count) => count > 0);
  };

  it('is sent once that commits, and not before', async () => {
    const app = await shop.boot();
    const handle = await shop.host(app).transaction(async (manager) => {
      await manager.insert(Customer, { mail: 'ann@home.example', points: 7 });
      const sent = await send(app, manager, [
        'ann@home.example',
        'nonsense',
        'ANN@home.example',
        ...people(20),
      ]);
      // Several heartbeats, each of which looks for mailings to begin. SQLite's only connection is the transaction's.
      if (kind !== 'sqlite') await app.restarter.sweep();
      expect(await manager.countBy(Mailing, { id: sent.mailingId, status: 'pending' })).toBe(1);
      expect(rig.inbox.messages).toEqual([]);
      return sent;
    });
    expect(handle).toMatchObject({ numProfiles: 22, numDuplicates: 1, isRepeat: false });
    expect(await handle.begin()).toMatchObject({ status: 'completed', numSent: 21, numSkipped: 1 });
    expect(rig.inbox.messages).toHaveLength(21);
    assertProgressAddsUp(await rig.progress(handle.mailingId));
    expect(await shop.host(app).getRepository(Customer).countBy({ points: 7 })).toBe(1);
  });

  it('leaves nothing when that is rolled back', async () => {
    const app = await shop.boot();
    const info = {
      ...INFO,
      batched: true,
      batchSize: 5,
      trackingData: { shop: 'north' },
      attachments: [{ filename: 'terms.txt', content: 'terms' }],
    };
    const { begin } = await rolledBack(shop.host(app), (manager) =>
      app.sender.sendEmailMessage(info, people(20), { transaction: manager, idempotencyKey: 'once' }),
    );
    expect(await rowsLeft()).toEqual([]);
    await expect(begin()).rejects.toThrow(MailingNotCommittedError);
    // Its key is free.
    const { isRepeat, completed } = await app.sender.sendEmailMessage(INFO, people(3), {
      idempotencyKey: 'once',
    });
    expect(isRepeat).toBe(false);
    expect(await completed).toMatchObject({ numSent: 3 });
    expect(rig.inbox.messages).toHaveLength(3);
  });

  it('leaves nothing when its list fails, and the transaction goes on', async () => {
    const app = await shop.boot();
    const failing = function* (): Generator<Recipient> {
      yield* people(1_200);
      throw new Error('the list broke');
    };
    await shop.host(app).transaction(async (manager) => {
      await manager.insert(Customer, { mail: 'ann@home.example' });
      await expect(send(app, manager, failing())).rejects.toThrow(RecipientListError);
      await manager.insert(Customer, { mail: 'bob@home.example' });
    });
    expect(await shop.host(app).getRepository(Customer).count()).toBe(2);
    expect(await rowsLeft()).toEqual([]);
  });

  it('skips a recipient whose row the database refuses, and the transaction goes on', async () => {
    const app = await shop.boot();
    await refuseRows(rig.database.dataSource, kind, {
      table: 'dps_email_address',
      column: 'email_address',
      value: 'reader7@home.example',
      how: 'fails',
    });
    const { begin, mailingId } = await shop.host(app).transaction(async (manager) => {
      const handle = await send(app, manager);
      await manager.insert(Customer, { mail: 'ann@home.example' });
      return handle;
    });
    expect(await begin()).toMatchObject({ status: 'completed', numSent: 19, numSkipped: 1 });
    expect(await shop.host(app).getRepository(Customer).count()).toBe(1);
    assertProgressAddsUp(await rig.progress(mailingId));
  });

  it('is found by the next look after the commit, batched or scheduled', async () => {
    const app = await shop.boot({ enabledAsTemplateMailServer: true, batch: { pollIntervalMs: 50 } });
    const ids = await shop.host(app).transaction(async (manager) => {
      const plain = await send(app, manager, people(3));
      const batched = await app.sender.sendEmailMessage({ ...INFO, batched: true, batchSize: 2 }, people(3), {
        transaction: manager,
      });
      const scheduled = await send(app, manager, people(3), { sendAt: new Date(Date.now() + 500) });
      return [plain, batched, scheduled].map(({ mailingId }) => mailingId);
    });
    for (const id of ids) await rig.reached(id, 'completed');
    expect(rig.inbox.messages).toHaveLength(9);
  });

  it('is begun by the next start if the process has ended since the commit', async () => {
    const first = await shop.boot({ server: NEVER });
    const { mailingId } = await shop.host(first).transaction((manager) => send(first, manager));
    await first.close();
    expect(rig.inbox.messages).toEqual([]);
    await shop.boot();
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 20);
  });

  it('with a key that was used before is that mailing, in this transaction and in others', async () => {
    const app = await shop.boot();
    const [first, second] = await shop
      .host(app)
      .transaction(async (manager) => [
        await send(app, manager, people(3), { idempotencyKey: 'once' }),
        await send(app, manager, people(5), { idempotencyKey: 'once' }),
      ]);
    expect(second).toMatchObject({ isRepeat: true, mailingId: first.mailingId, numDuplicates: null });
    const third = await shop.host(app).transaction(async (manager) => {
      await manager.count(Customer);
      return send(app, manager, people(7), { idempotencyKey: 'once' });
    });
    expect(third).toMatchObject({ isRepeat: true, mailingId: first.mailingId });
    expect((await first.begin()).numSent).toBe(3);
    expect((await third.begin()).numSent).toBe(3);
    expect(rig.inbox.messages).toHaveLength(3);
  });

  it('may be one of several that are written at the same time, of which one fails', async () => {
    const app = await shop.boot();
    const failing = function* (): Generator<Recipient> {
      yield* people(3);
      throw new Error('the list broke');
    };
    const settled = await shop
      .host(app)
      .transaction((manager) =>
        Promise.allSettled([
          send(app, manager, people(3)),
          send(app, manager, failing()),
          send(app, manager, people(4)),
        ]),
      );
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const handles = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const results = await Promise.all(handles.map(({ begin }) => begin()));
    expect(results.map(({ numSent }) => numSent)).toEqual([3, 4]);
    expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(2);
  });

  it('is not begun after a rollback, nor is its repeat in the same transaction', async () => {
    const app = await shop.boot();
    const handles = await rolledBack(shop.host(app), async (manager) => [
      await send(app, manager, people(3), { idempotencyKey: 'once' }),
      await send(app, manager, people(3), { idempotencyKey: 'once' }),
    ]);
    for (const { begin } of handles) await expect(begin()).rejects.toThrow(MailingNotCommittedError);
  });

  it('takes the key of a mailing that failed, and not that of one whose list is being written', async () => {
    const app = await shop.boot();
    const key = { idempotencyKey: 'once' };
    const broken = (async function* (): AsyncGenerator<string> {
      yield 'ann@home.example';
      throw new Error('the list broke');
    })();
    await expect(app.sender.sendEmailMessage(INFO, broken, key)).rejects.toThrow(RecipientListError);
    let isOver: (() => void) | undefined;
    const over = new Promise<void>((resolve) => (isOver = resolve));
    const endless = (async function* (): AsyncGenerator<string> {
      yield 'ann@home.example';
      await over;
    })();
    const slow = app.sender.sendEmailMessage(INFO, endless, { idempotencyKey: 'slow' });
    await waitUntil(
      () => rig.database.dataSource.getRepository(Mailing).countBy({ idempotencyKey: 'slow' }),
      {
        what: 'the other list to be begun',
      },
    );
    const { begin } = await shop.host(app).transaction(async (manager) => {
      const busy = send(app, manager, people(3), { idempotencyKey: 'slow' });
      await expect(busy).rejects.toThrow(TransactionKeyBusyError);
      return send(app, manager, people(3), key);
    });
    isOver?.();
    expect((await (await slow).completed).numSent).toBe(1);
    expect((await begin()).numSent).toBe(3);
  });

  it('may be an e-mail to one user', async () => {
    const app = await shop.boot();
    const { begin } = await shop
      .host(app)
      .transaction((transaction) =>
        app.sender.sendEmailToUser(INFO, 'ann@home.example', { transaction, params: { order: 7 } }),
      );
    expect(await begin()).toMatchObject({ numSent: 1 });
  });

  it('is refused with a list that is too long for it, and leaves nothing', async () => {
    const app = await shop.boot();
    await shop.host(app).transaction(async (manager) => {
      await expect(send(app, manager, people(10_001))).rejects.toThrow(TransactionListTooLongError);
    });
    expect(await rowsLeft()).toEqual([]);
  });

  it('is refused with options that contradict it', async () => {
    const app = await shop.boot();
    const host = shop.host(app);
    for (const transaction of [host.manager, host, {}, 'yes', null]) {
      const sending = app.sender.sendEmailMessage(INFO, people(1), { transaction } as never);
      await expect(sending).rejects.toThrow(
        'options.transaction to be the EntityManager of an open transaction',
      );
    }
    await host.transaction(async (transaction) => {
      for (const more of [{ persist: false }, { runInSeparateThread: false }]) {
        const sending = app.sender.sendEmailMessage(INFO, people(1), { transaction, ...more } as never);
        await expect(sending).rejects.toThrow(InvalidFieldError);
      }
      const attachments = [{ filename: 'terms.txt', href: 'http://127.0.0.1:1/terms.txt' }];
      const sending = app.sender.sendEmailMessage({ ...INFO, attachments }, people(1), { transaction });
      await expect(sending).rejects.toThrow('attachments[0].href');
    });
    expect(await rowsLeft()).toEqual([]);
  });

  it('is refused within a transaction of another database', async () => {
    const app = await shop.boot();
    await using other = await freshDatabase(kind);
    await other.dataSource.transaction(async (manager) => {
      await expect(send(app, manager)).rejects.toThrow(TransactionDatabaseError);
    });
    expect(await other.dataSource.getRepository(Mailing).count()).toBe(0);
  });
});

forEachServer('a mailing within a long transaction of the host', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const shop = shopOf(rig);

  it('holds up no other mailing and no sweep', async () => {
    const app = await shop.boot({ enabledAsTemplateMailServer: true, batch: { pollIntervalMs: 50 } });
    const errors: unknown[] = [];
    app.events.on('server:error', (fact) => errors.push(fact));
    // Its template is stored then; the first use within a transaction would hold up others that use it.
    await (
      await app.sender.sendEmailMessage(INFO, [], {})
    ).completed;
    const handle = await shop.host(app).transaction(async (manager) => {
      const sent = await app.sender.sendEmailMessage({ ...INFO, batched: true, batchSize: 5 }, people(20), {
        transaction: manager,
      });
      await app.sender.sendEmailMessage(INFO, people(20), { transaction: manager });
      for (const batched of [true, false]) {
        const other = await app.sender.sendEmailMessage({ ...INFO, batched, batchSize: 5 }, people(20), {});
        expect(await other.completed).toMatchObject({ status: 'completed' });
      }
      // A statement that waits for the transaction would wait until the database gives up, 50 s by default: longer than this test.
      await app.restarter.sweep();
      await app.restarter.sweep();
      expect(rig.inbox.messages).toHaveLength(40);
      return sent;
    });
    expect(await handle.begin()).toMatchObject({ status: 'completed', numSent: 20 });
    await waitUntil(() => rig.inbox.messages.length === 80, { what: 'the second mailing' });
    expect(errors).toEqual([]);
  });

  it('knows its template and its key, also those committed since the snapshot of the transaction', async () => {
    const app = await shop.boot();
    const level = kind === 'postgres' ? 'READ COMMITTED' : 'REPEATABLE READ';
    const info = { ...INFO, attachments: [{ filename: 'terms.txt', content: 'terms' }] };
    const handles = await shop.host(app).transaction(level, async (manager) => {
      await manager.count(Customer);
      const other = await app.sender.sendEmailMessage(info, people(2), { idempotencyKey: 'once' });
      await other.completed;
      return [
        await app.sender.sendEmailMessage(info, people(3), { transaction: manager }),
        await app.sender.sendEmailMessage(info, people(4), { transaction: manager, idempotencyKey: 'once' }),
      ];
    });
    expect(handles.map(({ isRepeat }) => isRepeat)).toEqual([false, true]);
    expect((await handles[0].begin()).numSent).toBe(3);
    expect(rig.inbox.messages).toHaveLength(5);
  });

  it('waits for another transaction that uses its key, and is then its repeat', async () => {
    const app = await shop.boot();
    const key = { idempotencyKey: 'once' };
    let second: Promise<TransactionalMailingHandle> | undefined;
    const first = await shop.host(app).transaction(async (manager) => {
      const handle = await app.sender.sendEmailMessage(INFO, people(3), { transaction: manager, ...key });
      second = shop
        .host(app)
        .transaction((other) => app.sender.sendEmailMessage(INFO, people(4), { transaction: other, ...key }));
      return handle;
    });
    expect(await second).toMatchObject({ isRepeat: true, mailingId: first.mailingId });
    expect((await first.begin()).numSent).toBe(3);
  });
});

onDatabase('sqlite', 'transactions of the host on the one connection of SQLite', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const shop = shopOf(rig);

  it('that are rolled back while a mailing is sent take none of its commits along', async () => {
    const app = await shop.boot({ run: { concurrency: 10 } });
    const customers = shop.host(app).getRepository(Customer);
    const handle = await app.sender.sendEmailMessage(INFO, people(600), {});
    let isOver = false;
    const over = handle.completed.then(() => (isOver = true));
    let count = 0;
    while (!isOver) {
      // SQLite answers at once: without this the event loop would get no turn. Each number of microtasks meets another step of the plugin.
      await setImmediate();
      for (let n = count % 40; n > 0; n--) await Promise.resolve();
      await rolledBack(shop.host(app), async (manager) => {
        await manager.insert(Customer, { mail: `reader${count++}@home.example` });
      });
    }
    await over;
    expect(count).toBeGreaterThan(10);
    expect(await customers.count()).toBe(0);
    await rig.assertAllSent(handle.mailingId as string, 600);
  });

  it('may be of another data source on the same file', async () => {
    const app = await shop.boot();
    const host = await rig.database.connect({ entities: [...mailingEntities, Customer] });
    const handle = await host.transaction(async (manager) => {
      await manager.insert(Customer, { mail: 'ann@home.example' });
      return app.sender.sendEmailMessage(INFO, people(3), { transaction: manager });
    });
    expect(await handle.begin()).toMatchObject({ numSent: 3 });
  });

  it('still refuse a mailing that is not made part of them', async () => {
    const app = await shop.boot();
    await shop.host(app).transaction(async () => {
      await expect(app.sender.sendEmailMessage(INFO, people(3), {})).rejects.toThrow(
        HostTransactionOpenError,
      );
    });
  });
});
