import { getDataSourceToken } from '@nestjs/typeorm';
import {
  DatabaseSettingError,
  MailingSuppressions,
  type Recipient,
  recipientsFromQuery,
  TypeOrmProfileRepository,
  UnsafeConnectionError,
} from 'nestjs-mailing';
import { Column, DataSource, type DataSourceOptions, Entity, PrimaryColumn } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withGuardedRunner } from '../../../libs/mailing/src/store/connections/guarded-runner.js';
import { mailingDataSourceOptions } from '../../../ormconfig.js';
import { assertProgressAddsUp, readProgress } from '../../support/databases/stored-progress.js';
import { type MailingApp, mailingApp, type MailingAppOptions } from '../../support/hosts/mailing-app.js';
import { INFO, people } from '../../support/hosts/mailing-rig.js';
import { MODE_SERVER_KINDS, ModeServer } from '../../support/servers/mode.server.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';
import { waitUntil } from '../../support/wait-until.js';

/** A key that users choose, such as a login name. */
@Entity('member')
class Member {
  @PrimaryColumn({ type: 'varchar', length: 99 })
  id: string;

  @Column({ type: 'varchar', length: 99 })
  email: string;

  @Column({ type: 'varchar', length: 9 })
  state: string;
}

const MODE = 'NO_BACKSLASH_ESCAPES';
const SECRET = 'the password of the bank';

const hex = (text: string): string => `0x${Buffer.from(text).toString('hex')}`;

/** Where a backslash is no escape, the name of this recipient ends its row, and appends another one. */
const ATTACKER: Recipient = {
  email: 'mallory@evil.example',
  name:
    `'),((SELECT MAX(id) FROM dps_mailing),9,${hex('mallory2@evil.example')},0x6b,${hex('pending')},NOW(),` +
    '(SELECT secret FROM vault))#',
};
const LIST: Recipient[] = ['ann@home.example', ATTACKER];

/** The same in an id from a URL, and in the reason of a suppression. */
const ID = "' OR 1=1#";
const REASON = `', NOW()),(0x6b,${hex('victim@home.example')},0x78,NOW())#`;

describe.each(MODE_SERVER_KINDS)('sql_mode NO_BACKSLASH_ESCAPES (%s)', (kind) => {
  let server: ModeServer;
  let inbox: SmtpInbox;
  let apps: MailingApp[];

  const boot = async (more: Partial<MailingAppOptions> = {}): Promise<MailingApp> => {
    const given = server.app(inbox.url);
    const app = await mailingApp({
      ...given,
      ...more,
      dataSource: { ...given.dataSource, ...more.dataSource },
    });
    apps.push(app);
    return app;
  };
  const refusals = (app: MailingApp): UnsafeConnectionError[] => {
    const all: UnsafeConnectionError[] = [];
    app.events.on('database:unsafe-connection', ({ error }) => all.push(error));
    return all;
  };
  /** The effect of the attacker's inputs: nothing sent, nothing read, nothing written. */
  const expectNoWayIn = async (app: MailingApp): Promise<void> => {
    const before = await server.count('dps_mailing');
    await expect(app.sender.sendEmailMessage(INFO, LIST, { persist: true })).rejects.toThrow(
      UnsafeConnectionError,
    );
    await expect(app.query.get(ID)).rejects.toThrow();
    await expect(app.query.get('01a2275c-9c69-749e-b9c6-296337d970eb')).rejects.toThrow(
      UnsafeConnectionError,
    );
    await expect(app.query.recipients(ID)).rejects.toThrow();
    const suppressions = app.nest.get(MailingSuppressions);
    await expect(suppressions.suppress('ann@home.example', REASON)).rejects.toThrow(UnsafeConnectionError);
    expect(await server.count('dps_mailing')).toBe(before);
    expect(await server.count('dps_mail_suppression')).toBe(0);
    expect(inbox.messages).toEqual([]);
  };

  beforeAll(async () => {
    server = await ModeServer.start(kind);
    await server.admin.query('CREATE TABLE vault (secret VARCHAR(100))');
    await server.admin.query('INSERT INTO vault VALUES (?)', [SECRET]);
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    apps = [];
    inbox = await SmtpInbox.start();
  });
  afterEach(async () => {
    await server.setGlobalMode();
    await server.setInitConnect();
    await Promise.all(apps.map((app) => app.close()));
    await inbox.close();
  });

  it('stops the start of the application, which reports why', async () => {
    await server.setGlobalMode(MODE);
    const error: unknown = await boot().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DatabaseSettingError);
    expect(error).toMatchObject({ code: 'MAILING_DATABASE_SETTING', setting: 'sql_mode', value: MODE });
    expect((error as Error).message).toMatch(
      /sql_mode to be without NO_BACKSLASH_ESCAPES.*Take it out of sql_mode/,
    );
  });

  it('set by init_connect after the greeting is found as well', async () => {
    await server.setInitConnect(`SET SESSION sql_mode = '${MODE}'`);
    await expect(boot()).rejects.toThrow(DatabaseSettingError);
    await server.setInitConnect();
    await boot();
  });

  it('in new connections keeps them from being used, and mailings continue when it is over', async () => {
    const app = await boot();
    const refused = refusals(app);
    await server.setGlobalMode(MODE);
    await server.endConnections();
    await expectNoWayIn(app);
    expect(refused).toHaveLength(1);
    expect(refused[0]).toMatchObject({ setting: 'sql_mode', value: MODE });
    const { isHealthy, findings } = await app.health.check();
    expect(isHealthy).toBe(false);
    expect(findings.map(({ code }) => code)).toContain('database_unsafe');

    await server.setGlobalMode();
    const { completed, mailingId } = await waitUntil(
      () => app.sender.sendEmailMessage(INFO, LIST, { persist: true }).catch(() => null),
      { what: 'the next mailing to be claimed', deadlineMs: 15_000 },
    );
    expect(await completed).toMatchObject({ status: 'completed', numSent: 2, numProfiles: 2 });
    expect(inbox.messages.map(({ to }) => to[0]).sort()).toEqual([
      'ann@home.example',
      'mallory@evil.example',
    ]);
    assertProgressAddsUp(
      await readProgress(app.nest.get<DataSource>(getDataSourceToken()), mailingId as string),
    );
  });

  it('stops a running mailing without an unrecorded message, and the mailing continues when it is over', async () => {
    const app = await boot();
    const retried: unknown[] = [];
    app.events.on('run:commit-retried', ({ error }) => retried.push(error));
    const { mailingId, completed } = await app.sender.sendEmailMessage(INFO, people(400), { persist: true });
    await inbox.waitFor(40);
    await server.setGlobalMode(MODE);
    await server.endConnections();
    await waitUntil(() => retried.filter((error) => error instanceof UnsafeConnectionError).length > 2, {
      what: 'commits to be refused',
    });
    const soFar = inbox.messages.length;
    const before = retried.length;
    await waitUntil(() => retried.length > before, { what: 'one more attempt', deadlineMs: 15_000 });
    expect(inbox.messages.length).toBe(soFar);
    expect(soFar).toBeLessThan(400);

    await server.setGlobalMode();
    expect(await completed).toMatchObject({ status: 'completed', numSent: 400 });
    assertProgressAddsUp(
      await readProgress(app.nest.get<DataSource>(getDataSourceToken()), mailingId as string),
    );
    expect([...inbox.countsByRecipient().values()]).toEqual(people(400).map(() => 1));
  });

  it('set by the host in a session makes the pool replace that connection', async () => {
    const app = await boot({ dataSource: { extra: { connectionLimit: 1 } } });
    const host = app.nest.get<DataSource>(getDataSourceToken());
    const errors: unknown[] = [];
    for (let round = 1; round <= 5; round++) {
      await host.query(`SET SESSION sql_mode = '${MODE}'`);
      const { completed } = await waitUntil(
        () =>
          app.sender
            .sendEmailMessage(INFO, LIST, { persist: true })
            .catch((error: unknown) => void errors.push(error)),
        { what: 'a connection that is safe' },
      );
      expect(await completed).toMatchObject({ status: 'completed', numSent: 2, numProfiles: 2 });
    }
    expect(errors.filter((error) => !(error instanceof UnsafeConnectionError))).toEqual([]);
    expect(Object.fromEntries(inbox.countsByRecipient())).toEqual({
      'ann@home.example': 5,
      'mallory@evil.example': 5,
    });
  });

  it('set by the host in a session while a list is written fails that list, and no recipient is sent to', async () => {
    const app = await boot({ dataSource: { extra: { connectionLimit: 1 } } });
    const host = app.nest.get<DataSource>(getDataSourceToken());
    async function* list(): AsyncGenerator<Recipient> {
      yield 'ann@home.example';
      await host.query(`SET SESSION sql_mode = '${MODE}'`);
      yield ATTACKER;
    }
    const before = await server.count('dps_email_address');
    const sent = await app.sender.sendEmailMessage(INFO, list(), { persist: true }).catch(() => null);
    await sent?.completed;
    expect([...inbox.countsByRecipient().keys()]).not.toContain('mallory2@evil.example');
    expect(JSON.stringify(await Promise.all(inbox.messages.map((one) => one.parsed())))).not.toContain(
      SECRET,
    );
    // A heartbeat may have found the connection before the list, and had it closed: then the list is written as usual.
    expect(await server.count('dps_email_address')).toBe(before + (sent ? 2 : 0));
  });

  it('set by a statement keeps the statement queued behind it from being sent', async () => {
    const app = await boot();
    const host = app.nest.get<DataSource>(getDataSourceToken());
    const text = "', (SELECT secret FROM vault))#";
    const asked = withGuardedRunner(host, async (runner) => {
      const connection = (await runner.connect()) as { query(sql: string): unknown };
      // Not awaited: when the next statement is built, backslashes are still escapes.
      connection.query(`SET SESSION sql_mode = '${MODE}'`);
      return (await runner.query('SELECT CONCAT(?, ?) AS said', [text, 'x'])) as unknown;
    });
    await expect(asked).rejects.toThrow(UnsafeConnectionError);
  });

  it('is looked for once in each connection, however many statements run on it', async () => {
    const queries: string[] = [];
    const logQuery = (sql: string): void =>
      void (sql.startsWith('SHOW SESSION VARIABLES') && queries.push(sql));
    const ignore = (): void => undefined;
    const logger = { logQuery, logQueryError: ignore, logQuerySlow: ignore, logSchemaBuild: ignore };
    const app = await boot({
      dataSource: { logger: { ...logger, logMigration: ignore, log: ignore }, extra: { connectionLimit: 3 } },
    });
    const { completed } = await app.sender.sendEmailMessage(INFO, people(300), { persist: true });
    expect(await completed).toMatchObject({ status: 'completed', numSent: 300 });
    // Two at the start, and one for each connection.
    expect(queries.length).toBeGreaterThanOrEqual(3);
    expect(queries.length).toBeLessThanOrEqual(5);
  });

  it('also closes the access to the host’s own tables', async () => {
    const host = new DataSource({
      ...mailingDataSourceOptions(server.databaseUrl),
      entities: [Member],
      extra: { connectionLimit: 1 },
    } as DataSourceOptions);
    await host.initialize();
    try {
      await host.query(
        'CREATE TABLE IF NOT EXISTS member (id VARCHAR(99) PRIMARY KEY, email VARCHAR(99), state VARCHAR(9))',
      );
      await host.query('REPLACE INTO member VALUES (?, ?, ?), (?, ?, ?)', [
        "' OR '1' = '1",
        'ann@home.example',
        'ok',
        "\\' OR '2' = '2",
        'bob@home.example',
        'ok',
      ]);
      const profiles = new TypeOrmProfileRepository(host, Member, {
        id: 'id',
        email: 'email',
        emailStatus: { column: 'state', invalid: 'bad', valid: 'ok' },
      });
      const query = host.getRepository(Member).createQueryBuilder('member');
      const list = (): AsyncGenerator<Recipient> => recipientsFromQuery(query, { id: 'id', pageSize: 1 });
      const first = list();
      expect(await first.next()).toMatchObject({ done: false });

      await server.setGlobalMode(MODE);
      await host.query(`SET SESSION sql_mode = '${MODE}'`);
      for (const attempt of [
        () => profiles.findByIds(["') OR 1=1#"]),
        () => profiles.setEmailStatus?.(["') OR 1=1#@home.example"], 'invalid'),
        () => first.next(),
        () => list().next(),
        () => recipientsFromQuery(query, { id: 'id', toRecipient: ({ id }) => ({ userId: id }) }).next(),
      ]) {
        await expect(attempt()).rejects.toThrow(UnsafeConnectionError);
      }
      const [rows] = await server.admin.query("SELECT COUNT(*) AS n FROM member WHERE state <> 'ok'");
      expect(rows).toEqual([{ n: 0 }]);

      await server.setGlobalMode();
      await expect(profiles.findByIds(["' OR '1' = '1"])).rejects.toThrow(UnsafeConnectionError);
      expect([...(await profiles.findByIds(["' OR '1' = '1"])).keys()]).toEqual(["' OR '1' = '1"]);
    } finally {
      await host.destroy();
    }
  });
});
