import { getDataSourceToken } from '@nestjs/typeorm';
import libsql from 'libsql';
import { MailingEvents, type MailingStatus, type Recipient } from 'nestjs-mailing';
import type { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkEnvironment } from '../../../libs/mailing/src/store/environment/environment.check.js';
import { TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import { assertProgressAddsUp, readProgress } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../../support/databases/fresh-database.js';
import { type MailingApp, mailingApp, type MailingAppOptions } from '../../support/hosts/mailing-app.js';
import { MODE_SERVER_KINDS, ModeServer } from '../../support/servers/mode.server.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';
import { waitUntil } from '../../support/wait-until.js';

const INFO = { templateUrl: 'letter.hbs', subject: '🌻 for {{name}}', from: 'news@shop.example' };
const TEMPLATES = { 'letter.hbs': '<p>{{name}} says {{word}}</p>' };
const COUNT = 24;
const NAME = `读者 "O'Neil" \\ || 🌻`;
const list = (): Recipient[] =>
  Array.from({ length: COUNT }, (_, n) => ({
    email: `reader${n}@home.example`,
    name: `${NAME} ${n}`,
    data: { word: `"\\'' ${n}` },
  }));

type App = Pick<MailingAppOptions, 'databaseUrl' | 'smtpUrl' | 'dataSource'>;

const boot = (options: App): Promise<MailingApp> =>
  mailingApp({ ...options, templates: TEMPLATES, mailing: TAKES_BATCHES });

/** What `sendOn` returns where all is well. */
const ALL_WELL = {
  overviews: [1, 2].map(() => ({
    status: 'completed' as MailingStatus,
    numSent: COUNT,
    numProfiles: COUNT,
    numListed: COUNT,
  })),
  copies: list().map(() => 2),
  subject: `🌻 for ${NAME} 7`,
  text: `${NAME} 7 says "\\'' 7`,
};

/** Sends a mailing in batches, and one that is paused and resumed, with names and data that need escaping. */
async function sendOn(options: App, inbox: SmtpInbox): Promise<typeof ALL_WELL> {
  await using app = await boot(options);
  const info = { ...INFO, batched: true, batchSize: 10 };
  // A clock in local time would be hours past that.
  const inTime = { persist: true, doNotStartAfter: new Date(Date.now() + 60_000) };
  const batched = await app.sender.sendEmailMessage(info, list(), inTime);
  const whole = await app.sender.sendEmailMessage(INFO, list(), { persist: true });
  await app.sender.pause(whole.mailingId as string);
  await app.sender.resume(whole.mailingId as string);
  const overviews: typeof ALL_WELL.overviews = [];
  for (const { mailingId } of [batched, whole]) {
    const id = mailingId as string;
    const { status, numSent, numProfiles } = await waitUntil(
      async () => {
        const overview = await app.query.get(id);
        return overview?.status === 'completed' ? overview : null;
      },
      { what: 'the mailing to be completed', deadlineMs: 20_000 },
    );
    assertProgressAddsUp(await readProgress(app.nest.get<DataSource>(getDataSourceToken()), id));
    const { length: numListed } = await app.query.recipients(id, { status: 'sent' });
    overviews.push({ status, numSent, numProfiles, numListed });
  }
  const letter = await inbox.messages.find(({ to }) => to[0] === 'reader7@home.example')?.parsed();
  return {
    overviews,
    copies: [...inbox.countsByRecipient().values()],
    subject: String(letter?.subject),
    text: String(letter?.text).trim(),
  };
}

/** The error that the start throws. */
async function refusalOn(options: App): Promise<unknown> {
  return boot(options).then(
    (app) => app.close(),
    (error: unknown) => error,
  );
}

/** The reports of settings that the start makes. */
async function reportsOn(options: App): Promise<unknown[]> {
  const emit = vi.spyOn(MailingEvents.prototype, 'emit');
  try {
    await (await boot(options)).close();
    return emit.mock.calls.filter(([name]) => name === 'database:risky-setting').map(([, facts]) => facts);
  } finally {
    emit.mockRestore();
  }
}

const refused = (facts: object): object =>
  expect.objectContaining({ code: 'MAILING_DATABASE_SETTING', ...facts });

describe.each(MODE_SERVER_KINDS)('database server settings (%s)', (kind) => {
  let server: ModeServer;
  let inbox: SmtpInbox;
  const appOn = (): App => ({ databaseUrl: server.databaseUrl, smtpUrl: inbox.url });
  beforeAll(async () => {
    inbox = await SmtpInbox.start();
    server = await ModeServer.start(kind);
    // The tables are made once, by sessions without these settings.
    await (await boot({ ...appOn(), dataSource: { migrationsRun: true } })).close();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    inbox = await SmtpInbox.start();
  });
  afterEach(async () => {
    await server.setInitConnect();
    await server.emptyTables();
    await inbox.close();
  });

  const mode = (words: string): string => `SET SESSION sql_mode = '${words}'`;
  const HARMLESS: [string, string][] = [
    ['an empty sql_mode', mode('')],
    ['ANSI', mode('ANSI')],
    ['ANSI_QUOTES', mode('ANSI_QUOTES,STRICT_ALL_TABLES')],
    ['the strictest mode', mode('TRADITIONAL,NO_ZERO_DATE,NO_ZERO_IN_DATE,ONLY_FULL_GROUP_BY')],
    [
      'other meanings of operators',
      mode('PIPES_AS_CONCAT,HIGH_NOT_PRECEDENCE,NO_UNSIGNED_SUBTRACTION,IGNORE_SPACE,NO_AUTO_VALUE_ON_ZERO'),
    ],
    ['PAD_CHAR_TO_FULL_LENGTH', mode('PAD_CHAR_TO_FULL_LENGTH')],
    ...(kind === 'mariadb'
      ? ([
          ['ORACLE', mode('ORACLE')],
          ['no strict InnoDB', 'SET SESSION innodb_strict_mode = 0'],
          ['MSSQL', mode('MSSQL')],
          ['DB2', mode('DB2')],
          ['SIMULTANEOUS_ASSIGNMENT', mode('SIMULTANEOUS_ASSIGNMENT,TIME_ROUND_FRACTIONAL')],
        ] as [string, string][])
      : [['TIME_TRUNCATE_FRACTIONAL', mode('TIME_TRUNCATE_FRACTIONAL')] as [string, string]]),
    ['sql_auto_is_null', 'SET SESSION sql_auto_is_null = 1'],
    ['sql_safe_updates', 'SET SESSION sql_safe_updates = 1'],
    ['another time zone', "SET SESSION time_zone = '+05:45'"],
    ['another collation', 'SET SESSION collation_connection = utf8mb4_bin'],
    ['READ COMMITTED', 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED'],
    ['SERIALIZABLE', 'SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE'],
    ['messages in another language', "SET SESSION lc_time_names = 'de_DE'"],
  ];
  it.each(HARMLESS)('%s: mailings complete', async (_, statement) => {
    await server.setInitConnect(statement);
    expect(await sendOn(appOn(), inbox)).toEqual(ALL_WELL);
  });

  it.each([
    [mode('NO_BACKSLASH_ESCAPES'), { setting: 'sql_mode', value: 'NO_BACKSLASH_ESCAPES' }],
    ...(kind === 'mariadb'
      ? [[mode('EMPTY_STRING_IS_NULL'), { setting: 'sql_mode', value: 'EMPTY_STRING_IS_NULL' }] as const]
      : []),
    ['SET SESSION autocommit = 0', { setting: 'autocommit', value: 'OFF' }],
    ['SET SESSION completion_type = CHAIN', { setting: 'completion_type', value: 'CHAIN' }],
    ['SET SESSION sql_select_limit = 3', { setting: 'sql_select_limit', value: '3' }],
    ['SET SESSION unique_checks = 0', { setting: 'unique_checks', value: 'OFF' }],
    ['SET SESSION TRANSACTION READ ONLY', { value: 'ON' }],
    ['SET NAMES latin1', { setting: 'character_set_client', value: 'latin1' }],
    ['SET NAMES gbk', { setting: 'character_set_client', value: 'gbk' }],
  ] as const)('%s: the application does not start', async (statement, facts) => {
    await server.setInitConnect(statement);
    expect(await refusalOn(appOn())).toEqual(refused(facts));
  });

  it('a driver with another character set: the application does not start', async () => {
    for (const charset of ['latin1', 'utf8']) {
      const facts = { setting: 'character_set_client', expected: 'utf8mb4' };
      expect(await refusalOn({ ...appOn(), dataSource: { charset } })).toEqual(refused(facts));
    }
  });

  it.each([
    [
      kind === 'mariadb' ? 'SET SESSION max_statement_time = 2' : 'SET SESSION max_execution_time = 2000',
      { value: kind === 'mariadb' ? '2 s' : '2000 ms' },
    ],
    ['SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED', { value: 'READ-UNCOMMITTED' }],
  ])('%s: the start reports a risky setting', async (statement, facts) => {
    await server.setInitConnect(statement);
    expect(await reportsOn(appOn())).toContainEqual(expect.objectContaining(facts));
  });

  it('a read-only server: the start reports a risk, because some users may still write', async () => {
    await server.admin.query('SET GLOBAL read_only = 1');
    try {
      expect(await reportsOn(appOn())).toContainEqual(expect.objectContaining({ setting: 'read_only' }));
    } finally {
      await server.admin.query('SET GLOBAL read_only = 0');
    }
  });

  it('a setting that the host changes in a session is found before the next statement', async () => {
    await using app = await boot({ ...appOn(), dataSource: { extra: { connectionLimit: 1 } } });
    const host = app.nest.get<DataSource>(getDataSourceToken());
    const refused: string[] = [];
    app.events.on('database:unsafe-connection', ({ error }) => refused.push(error.setting));
    for (const [statement, setting] of [
      ['SET autocommit = 0', 'autocommit'],
      ['SET NAMES gbk', 'character_set_client'],
      ['/*!40101 SET @@session.unique_checks = 0 */', 'unique_checks'],
    ]) {
      await host.query(statement);
      // The heartbeat may be the one that finds it.
      await app.query.get('00000000-0000-7000-8000-000000000000').catch(() => null);
      await app.query.get('00000000-0000-7000-8000-000000000000');
      expect(refused).toContain(setting);
    }
  });
});

forEachDatabase('database settings that can not be read', (kind) => {
  it('do not prevent the start', async () => {
    await using database = await freshDatabase(kind);
    await database.dataSource.destroy();
    expect(await checkEnvironment(database.dataSource)).toEqual([]);
  });
});

describe('PostgreSQL settings', () => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  beforeEach(async () => {
    database = await freshDatabase('postgres');
    inbox = await SmtpInbox.start();
  });
  afterEach(async () => {
    await inbox.close();
    await database.dispose();
  });
  const withOptions = (options: string): App => ({
    databaseUrl: database.url,
    smtpUrl: inbox.url,
    dataSource: { extra: { options } },
  });

  it.each([
    '-c standard_conforming_strings=off',
    '-c backslash_quote=on -c escape_string_warning=off',
    '-c TimeZone=Asia/Kathmandu',
    '-c DateStyle=SQL,DMY -c IntervalStyle=sql_standard',
    '-c bytea_output=escape -c extra_float_digits=0',
    '-c default_transaction_isolation=serializable',
    '-c transform_null_equals=on -c array_nulls=off',
    '-c default_transaction_deferrable=on',
  ])('%s: mailings complete', async (options) => {
    expect(await sendOn(withOptions(options), inbox)).toEqual(ALL_WELL);
  });

  it('a search path that is set for the database: mailings complete', async () => {
    const { dataSource } = database;
    await dataSource.query('CREATE SCHEMA elsewhere');
    await dataSource.query(
      `ALTER DATABASE "${new URL(database.url).pathname.slice(1)}" SET search_path TO elsewhere, public`,
    );
    expect(await sendOn(withOptions(''), inbox)).toEqual(ALL_WELL);
  });

  it('a read-only database: the application does not start', async () => {
    const facts = { setting: 'transaction_read_only', value: 'on' };
    expect(await refusalOn(withOptions('-c default_transaction_read_only=on'))).toEqual(refused(facts));
  });

  it('a database in another encoding: the application does not start', async () => {
    const name = `${new URL(database.url).pathname.slice(1)}_latin1`;
    await database.dataSource.query(
      `CREATE DATABASE ${name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
    );
    try {
      const databaseUrl = database.url.replace(/[^/]+$/, name);
      const facts = { setting: 'server_encoding', value: 'LATIN1' };
      expect(await refusalOn({ databaseUrl, smtpUrl: inbox.url })).toEqual(refused(facts));
    } finally {
      await database.dataSource.query(`DROP DATABASE ${name} WITH (FORCE)`);
    }
  });

  it.each([
    ['-c default_transaction_isolation=repeatable\\ read', { value: 'repeatable read' }],
    ['-c statement_timeout=2s', { setting: 'statement_timeout', value: '2000 ms' }],
    ['-c lock_timeout=500ms', { setting: 'lock_timeout', value: '500 ms' }],
  ])('%s: the start reports a risky setting', async (options, facts) => {
    expect(await reportsOn(withOptions(options))).toContainEqual(expect.objectContaining(facts));
  });
});

describe('SQLite settings', () => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  beforeEach(async () => {
    database = await freshDatabase('sqlite');
    inbox = await SmtpInbox.start();
  });
  afterEach(async () => {
    await inbox.close();
    await database.dispose();
  });
  const withPragmas = (...pragmas: string[]): App => ({
    databaseUrl: database.url,
    smtpUrl: inbox.url,
    dataSource: {
      prepareDatabase: (connection: libsql.Database) => {
        for (const pragma of ['journal_mode = WAL', 'synchronous = FULL', ...pragmas])
          connection.pragma(pragma);
      },
    },
  });

  it.each([
    'foreign_keys = ON',
    'case_sensitive_like = ON',
    'recursive_triggers = ON',
    'reverse_unordered_selects = ON',
    'short_column_names = OFF',
    'ignore_check_constraints = ON',
    'read_uncommitted = ON',
    'cell_size_check = ON',
    'automatic_index = OFF',
  ])('%s: mailings complete', async (pragma) => {
    expect(await sendOn(withPragmas(pragma), inbox)).toEqual(ALL_WELL);
  });

  it.each(['query_only', 'full_column_names', 'count_changes'])(
    '%s = ON: the application does not start',
    async (setting) => {
      expect(await refusalOn(withPragmas(`${setting} = ON`))).toEqual(refused({ setting, value: '1' }));
    },
  );
});
