import { setTimeout as delay } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { noFaultPoints } from '../../libs/mailing/src/model/ports/fault-points.js';
import { IdleTransactionLimit } from '../../libs/mailing/src/store/connections/idle-transaction.limit.js';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { mailingDataSourceOptions } from '../../ormconfig.js';
import { INNODB_KINDS } from '../support/databases/database-kinds.js';
import { forEachInnoDb } from '../support/databases/for-each-database.js';
import { FailureLog } from '../support/failure-log.js';
import { freshDatabase } from '../support/databases/fresh-database.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { waitUntil } from '../support/wait-until.js';

const LIMIT_MS = 7_000;
const LIMITS = { mariadb: 'idle_write_transaction_timeout', mysql: 'wait_timeout' };

forEachInnoDb('the limit of idle transactions', (kind) => {
  it.each(INNODB_KINDS)(
    'fits the server, MySQL or MariaDB by its version, under a data source of type %s',
    async (type) => {
      const log = new FailureLog();
      const options = { type, logger: log } as object;
      await using fresh = await freshDatabase(kind, { dataSource: options });
      const database = new MailingDatabase(fresh.dataSource, noFaultPoints, LIMIT_MS);

      const seen = await Promise.all(
        Array.from({ length: 10 }, () =>
          database.transaction((session) =>
            session.rows<{ Value: string }>(`SHOW SESSION VARIABLES LIKE '${LIMITS[kind]}'`),
          ),
        ),
      );

      for (const rows of seen) expect(rows.map(({ Value }) => Value)).toEqual([String(LIMIT_MS / 1_000)]);
      expect(log.failures).toEqual([]);
    },
  );
});

forEachInnoDb('the limit of idle transactions', (kind) => {
  const SHOW = `SHOW SESSION VARIABLES LIKE '${LIMITS[kind]}'`;

  it.each([
    ['the host sets it', {}],
    ['the pool resets each connection that is given back', { resetOnRelease: true }],
  ])('is set again where %s', async (_, extra) => {
    const one = { extra: { connectionLimit: 1, ...extra } };
    await using fresh = await freshDatabase(kind, { migrate: false, dataSource: one });
    const database = new MailingDatabase(fresh.dataSource, noFaultPoints, LIMIT_MS);
    const within = (): Promise<unknown[]> => database.transaction((session) => session.rows(SHOW));
    const limited = [expect.objectContaining({ Value: String(LIMIT_MS / 1_000) })];
    expect(await within()).toEqual(limited);
    await fresh.dataSource.query(`SET SESSION ${LIMITS[kind]} = 600`);
    expect(await within()).toEqual(limited);
  });
});

describe('the limit of silent sessions (mysql)', () => {
  const SHORT_MS = 1_000;
  /** Longer than the limit, several times. */
  const SEVERAL_LIMITS_MS = 3_500;

  it('closes no connection of a living process, neither idle ones of the pool nor transactions of the host', async () => {
    await using fresh = await freshDatabase('mysql', { migrate: false });
    const { dataSource } = fresh;
    const database = new MailingDatabase(dataSource, noFaultPoints, SHORT_MS);
    const ID = 'SELECT CONNECTION_ID()';
    await Promise.all([1, 2].map(() => database.transaction((session) => session.rows('SELECT SLEEP(0.1)'))));
    const host = dataSource.createQueryRunner();
    await host.startTransaction();
    const [busy, idle] = [await host.query(ID), await dataSource.query(ID)];
    expect(idle).not.toEqual(busy);
    await delay(SEVERAL_LIMITS_MS);
    expect([await host.query(ID), await dataSource.query(ID)]).toEqual([busy, idle]);
    await host.commitTransaction();
    await host.release();
  });

  it('ends a transaction whose process is cut off, and releases its locks', async () => {
    await using fresh = await freshDatabase('mysql', { migrate: false });
    await fresh.dataSource.query('CREATE TABLE locked (id INT PRIMARY KEY)');
    await fresh.dataSource.query('INSERT INTO locked VALUES (1)');
    await using proxy = await TcpProxy.start(fresh.url);
    const own = await new DataSource(mailingDataSourceOptions(proxy.url)).initialize();
    const database = new MailingDatabase(own, noFaultPoints, SHORT_MS);
    const cutOff = database.transaction(async (session) => {
      await session.change('UPDATE locked SET id = 2');
      proxy.split();
      await session.change('UPDATE locked SET id = 3');
    });
    const answered = cutOff.then(
      () => true,
      () => false,
    );
    const isFree = (): Promise<boolean> =>
      fresh.dataSource.query('SELECT id FROM locked FOR UPDATE NOWAIT').then(
        () => true,
        () => false,
      );
    await waitUntil(async () => !(await isFree()), { what: 'the lock' });
    await waitUntil(isFree, { what: 'the end of the transaction', deadlineMs: 5 * SHORT_MS });
    expect(await fresh.dataSource.query('SELECT id FROM locked')).toEqual([{ id: 1 }]);
    proxy.heal();
    expect(await answered).toBe(false);
    await own.destroy();
  });

  it('sends no keep-alive to a closed connection', async () => {
    await using fresh = await freshDatabase('mysql', { migrate: false });
    const own = await fresh.connect();
    const limit = new IdleTransactionLimit(SHORT_MS, 'mysql');
    const runner = own.createQueryRunner();
    await limit.begin(runner);
    await runner.commitTransaction();
    expect(limit.keepAlive.numConnections).toBe(1);
    await runner.release();
    await own.destroy();
    await waitUntil(() => limit.keepAlive.numConnections === 0, { what: 'the connection to be forgotten' });
  });

  it('keeps a shorter limit of the session', async () => {
    await using fresh = await freshDatabase('mysql', { migrate: false });
    const runner = fresh.dataSource.createQueryRunner();
    await runner.query('SET SESSION wait_timeout = 3');
    await new IdleTransactionLimit(LIMIT_MS, 'mysql').begin(runner);
    await runner.commitTransaction();
    expect(await runner.query('SELECT @@SESSION.wait_timeout AS seconds')).toEqual([{ seconds: '3' }]);
    await runner.release();
  });
});
