import {
  type MailingEventMap,
  type MailingModuleOptions,
  ReadOnlyServerError,
  TypeOrmProfileRepository,
} from 'nestjs-mailing';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { TypeOrmSuppressionList } from '../../../libs/mailing/src/store/host/type-orm-suppression.list.js';
import { mailingDataSourceOptions } from '../../../ormconfig.js';
import { sendBatched, TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import {
  assertProgressAddsUp,
  type StoredProgress,
  readProgress,
} from '../../support/databases/stored-progress.js';
import { Customer } from '../../support/hosts/customer.entity.js';
import { forEachServer } from '../../support/databases/for-each-database.js';
import { PAIR_STARTS } from '../../support/servers/database-pair.js';
import type { DatabasePair, PairedServer } from '../../support/servers/paired-servers.js';
import { type MailingApp, mailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, people } from '../../support/hosts/mailing-rig.js';
import { holdMessagesAfter } from '../../support/network/hold-messages.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';
import { TcpProxy } from '../../support/network/tcp-proxy.js';
import { waitUntil } from '../../support/wait-until.js';

/** Idle connections in a pool. */
const IDLE = 4;

/** A server and one of its sessions. */
const ON_MYSQL = 'SELECT CAST(@@port AS CHAR) AS port, CONNECTION_ID() AS session';
const WHERE = {
  mariadb: ON_MYSQL,
  mysql: ON_MYSQL,
  postgres: 'SELECT CAST(inet_server_port() AS text) AS port, pg_backend_pid() AS session',
};

/** Settings of a server that apply to transactions already begun. PostgreSQL has none. */
const REFUSES_COMMITS = { mariadb: ['read_only'], mysql: ['super_read_only'], postgres: [] };

const addressOf = (url: string): object => {
  const { host, port, username, database } = mailingDataSourceOptions(url) as Extract<
    DataSourceOptions,
    { host?: string; port?: number }
  >;
  return { host, port, username, database };
};

forEachServer('connections to a read-only server after a failover', (kind) => {
  let pair: DatabasePair;
  let proxy: TcpProxy;
  let inbox: SmtpInbox;
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    pair = await PAIR_STARTS[kind]();
    const primary = await connect(pair.first.url);
    await primary.runMigrations();
    await primary.synchronize();
    await primary.destroy();
    await followed();
  }, 120_000);
  afterAll(() => pair[Symbol.asyncDispose]());
  beforeEach(async () => {
    proxy = await TcpProxy.start(pair.first.url);
    inbox = await SmtpInbox.start();
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    await inbox.close();
    await proxy.close();
  });

  async function connect(url: string, more: object = {}): Promise<DataSource> {
    const { entities, ...options } = mailingDataSourceOptions(url);
    const all = [...(entities as unknown[]), Customer];
    const dataSource = new DataSource({ ...options, entities: all, ...more } as DataSourceOptions);
    return dataSource.initialize();
  }

  /** The second server knows all tables. */
  async function followed(): Promise<void> {
    const standby = await connect(pair.second.url);
    const readShop = (): Promise<unknown> => standby.query('SELECT COUNT(*) FROM shop_customer');
    await waitUntil(
      () =>
        readShop().then(
          () => true,
          () => false,
        ),
      { what: 'the second server to follow' },
    );
    await standby.destroy();
  }

  async function boot(mailing: Partial<MailingModuleOptions> = {}): Promise<MailingApp> {
    const app = await mailingApp({ databaseUrl: proxy.url, smtpUrl: inbox.url, mailing });
    ends.push(() => app.close());
    return app;
  }

  /** Progress on that server, once the mailing is completed there. */
  async function progressOn(url: string, mailingId: string): Promise<StoredProgress> {
    const dataSource = await connect(url);
    try {
      return await waitUntil(
        async () => {
          const progress = await readProgress(dataSource, mailingId);
          return progress.mailing.status === 'completed' ? progress : null;
        },
        { what: 'the mailing to be completed', deadlineMs: 30_000 },
      );
    } finally {
      await dataSource.destroy();
    }
  }

  async function assertAllSent(url: string, mailingId: string, count: number): Promise<void> {
    const progress = await progressOn(url, mailingId);
    assertProgressAddsUp(progress);
    expect(progress.byStatus).toEqual({ sent: count });
  }

  /** A data source with a pool of idle connections to the second server, while new connections go to the first. */
  async function withIdleConnections(more: object = {}): Promise<DataSource> {
    proxy.leadTo(pair.second.url);
    const dataSource = await connect(proxy.url, more);
    ends.push(() => dataSource.destroy());
    const runners = Array.from({ length: IDLE }, () => dataSource.createQueryRunner());
    await Promise.all(runners.map((runner) => runner.connect()));
    await Promise.all(runners.map((runner) => runner.release()));
    expect((await pair.second.sessions()).length).toBeGreaterThanOrEqual(IDLE);
    proxy.leadTo(pair.first.url);
    return dataSource;
  }

  const isLeft = (server: PairedServer): Promise<boolean> =>
    waitUntil(async () => (await server.sessions()).length === 0, {
      what: 'all connections to be closed',
      deadlineMs: 5_000,
    });

  const onlyOne = async (server: PairedServer): Promise<string | null> => {
    const sessions = await server.sessions();
    return sessions.length === 1 ? sessions[0] : null;
  };

  const profiles = (dataSource: DataSource): TypeOrmProfileRepository<Customer> =>
    new TypeOrmProfileRepository(dataSource, Customer, {
      id: 'number',
      email: 'mail',
      lastEmailed: 'lastMail',
    });
  const NOTHING = 'UPDATE dps_mailing SET name = name WHERE 1 = 0';
  const WRITES: [string, (dataSource: DataSource) => Promise<unknown>][] = [
    ['one statement', (dataSource) => new MailingDatabase(dataSource).change(NOTHING)],
    [
      'a transaction',
      (dataSource) => new MailingDatabase(dataSource).transaction((session) => session.change(NOTHING)),
    ],
    ['profiles of the host', (dataSource) => profiles(dataSource).setLastEmailed!(['1'], new Date(0))],
    [
      'the suppression list',
      async (dataSource) => {
        const list = new TypeOrmSuppressionList(new MailingDatabase(dataSource), (address) => address);
        await list.suppress('ann@home.example', 'asked for it');
        await list.release('ann@home.example');
      },
    ],
  ];
  it.each(WRITES)('that are idle are closed at the first write, by %s, which succeeds', async (_, write) => {
    const dataSource = await withIdleConnections();
    await write(dataSource);
    await isLeft(pair.second);
    expect(proxy.numConnections).toBe(IDLE + 1);
  });

  it('that are in use meanwhile are not used for reads after that', async () => {
    const dataSource = await withIdleConnections();
    const database = new MailingDatabase(dataSource);
    const inUse = Array.from({ length: IDLE - 1 }, () => dataSource.createQueryRunner());
    await Promise.all(inUse.map((runner) => runner.connect()));
    await database.change(NOTHING);
    await Promise.all(inUse.map((runner) => runner.release()));
    const answers = await Promise.all(inUse.map(() => database.rows(WHERE[kind])));
    const { port } = new URL(pair.first.url);
    expect(answers).toEqual(inUse.map(() => [expect.objectContaining({ port })]));
    await isLeft(pair.second);
  });

  it('that answer late do not close any of the new ones', async () => {
    const database = new MailingDatabase(await withIdleConnections());
    let made: unknown;
    await database.transaction(async (session) => {
      if (!made) {
        await database.change(NOTHING);
        made = await database.rows(WHERE[kind]);
      }
      await session.change(NOTHING);
    });
    expect(await database.rows(WHERE[kind])).toEqual(made);
    await isLeft(pair.second);
  });

  it('that new connections reach, too: the statement fails with the reason, and the pool keeps none of them', async () => {
    const dataSource = await withIdleConnections();
    proxy.leadTo(pair.second.url);
    const { port } = new URL(pair.second.url);
    await expect(new MailingDatabase(dataSource).change(NOTHING)).rejects.toMatchObject({
      code: 'MAILING_READ_ONLY_SERVER',
      server: expect.stringMatching(`:${port}$`),
      answer: expect.stringMatching(/read-only/),
      cause: expect.objectContaining({ query: NOTHING }),
    });
    await isLeft(pair.second);
  });

  it('of a host with replicas: those of the primary are closed, and replicas are read as before', async () => {
    const dataSource = await withIdleConnections({
      replication: { master: addressOf(proxy.url), slaves: [addressOf(pair.second.url)] },
    });
    await profiles(dataSource).findByIds(['1']);
    await new MailingDatabase(dataSource).change(NOTHING);
    const ofReplica = await waitUntil(() => onlyOne(pair.second), { what: 'all others to be closed' });
    expect(await profiles(dataSource).findByIds(['1'])).toEqual(new Map());
    expect(await pair.second.sessions()).toEqual([ofReplica]);
    expect(proxy.numConnections).toBe(IDLE + 1);
  });

  it('that new connections reach, too, are reported as an outage, and mailings continue when they reach a primary again', async () => {
    const app = await boot({ run: { databaseRetryTimeoutMs: 100 } });
    const told: MailingEventMap['database:read-only'][] = [];
    app.events.on('database:read-only', (facts) => told.push(facts));
    const stalls: unknown[] = [];
    app.events.on('run:stalled', ({ error }) => stalls.push(error));
    const { mailingId, completed } = await app.sender.sendEmailMessage(INFO, people(200), { persist: true });
    await inbox.waitFor(40);
    proxy.leadTo(pair.second.url);
    proxy.cut();
    await waitUntil(() => stalls.length > 0, { what: 'the run to stall' });
    const received = inbox.messages.length;
    const refusal = await app.sender.pause(mailingId as string).catch((error: unknown) => error);
    const { port } = new URL(pair.second.url);
    expect(refusal).toBeInstanceOf(ReadOnlyServerError);
    expect(refusal).toMatchObject({
      server: expect.stringMatching(`:${port}$`),
      answer: expect.stringMatching(/read-only/),
    });
    const { findings } = await app.health.check();
    expect(findings).toContainEqual({ code: 'database_read_only', message: (refusal as Error).message });
    expect(told).toHaveLength(1);
    proxy.leadTo(pair.first.url);
    expect(await completed).toMatchObject({ status: 'completed', numSent: 200 });
    expect(received).toBeLessThan(200);
    await assertAllSent(pair.first.url, mailingId as string, 200);
    expect([...inbox.countsByRecipient().values()]).toEqual(people(200).map(() => 1));
    expect((await app.health.check()).findings).toEqual([]);
  });

  it('that are asked for a serializable transaction are closed, too', async () => {
    const dataSource = await withIdleConnections({ isolationLevel: 'SERIALIZABLE' });
    const database = new MailingDatabase(dataSource);
    expect(await database.transaction((session) => session.change(NOTHING))).toBe(0);
    await isLeft(pair.second);
  });

  it.each(REFUSES_COMMITS[kind])(
    '%s before a commit: the transaction is repeated as a whole, and once',
    async (option) => {
      const dataSource = await connect(proxy.url);
      ends.push(() => dataSource.destroy());
      const database = new MailingDatabase(dataSource);
      let attempts = 0;
      await database.transaction(async (session) => {
        if (++attempts === 2) await pair.first.ask('SET GLOBAL read_only = OFF');
        await session.change(
          `INSERT INTO dps_mail_suppression (address_key, address, reason, created_at)
         VALUES ('once', 'once@home.example', '', UTC_TIMESTAMP(3))`,
        );
        if (attempts === 1) await pair.first.ask(`SET GLOBAL ${option} = ON`);
      });
      expect(attempts).toBe(2);
      const [{ n }] = await database.rows<{ n: string }>(
        `SELECT COUNT(*) AS n FROM dps_mail_suppression WHERE address_key = 'once'`,
      );
      expect(Number(n)).toBe(1);
    },
  );

  // The last test, because the two servers have changed roles after it.
  it('in the middle of mailings: they continue by themselves, and each recipient gets one message', async () => {
    const app = await boot(TAKES_BATCHES);
    const members = Array.from({ length: 200 }, (_, n) => `member${n}@home.example`);
    const { mailingId } = await app.sender.sendEmailMessage(INFO, people(300), { persist: true });
    const batchedId = await sendBatched(app, members);
    const release = holdMessagesAfter(inbox, 100);
    await inbox.waitFor(101);
    await pair.swap(quietly);
    proxy.leadTo(pair.second.url);
    const left = await pair.first.sessions();
    const received = inbox.messages.length;
    release();
    await assertAllSent(pair.second.url, mailingId as string, 300);
    await assertAllSent(pair.second.url, batchedId, 200);
    expect(inbox.countsByRecipient().size).toBe(500);
    expect(inbox.messages).toHaveLength(500);
    expect(received).toBeLessThan(500);
    expect(left).not.toEqual([]);
  }, 90_000);

  async function quietly(isQuiet: () => Promise<boolean>, step: () => Promise<void>): Promise<void> {
    const findMoment = async (): Promise<boolean> => {
      proxy.split();
      const found = await isQuiet();
      if (!found) proxy.heal();
      return found;
    };
    await waitUntil(findMoment, { what: 'a moment without a transaction' });
    await step();
    proxy.heal();
  }
});
