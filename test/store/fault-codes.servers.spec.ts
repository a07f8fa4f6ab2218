import { readFile } from 'node:fs/promises';
import libsql from 'libsql';
import type { QueryRunner } from 'typeorm';
import { describe, expect, it } from 'vitest';
import {
  isDataFault,
  isLockFault,
  isNotPrimary,
} from '../../libs/mailing/src/store/faults/database-fault.js';
import { FAULT_CODES, type FaultCode, faultCodeOf } from '../../libs/mailing/src/store/faults/fault-codes.js';
import { forEachInnoDb, forEachServer } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { startMariaDb } from '../support/servers/maria-db.server.js';
import { startMySql } from '../support/servers/my-sql.server.js';
import { startPostgres } from '../support/servers/postgres.server.js';
import { connectToPostgres, connectToServer } from '../support/databases/server-connection.js';
import { waitUntil } from '../support/wait-until.js';

/** Rows that a real server answered in this file. */
const seen = new Set<FaultCode>();

/** The error that a server answers to a failing job. */
async function answerTo(job: Promise<unknown>): Promise<FaultCode | null> {
  const error: unknown = await job.then(
    () => null,
    (reason: unknown) => reason,
  );
  const row = faultCodeOf(error);
  if (row) seen.add(row);
  else if (error) throw error;
  return row;
}

const nameOf = (row: FaultCode | null): string | undefined => row?.name;
const isMySql = (code: number | string): code is number => typeof code === 'number';

/** A message that matches the row. */
const MESSAGES: Partial<Record<string, string>> = {
  'ER_ERROR_DURING_COMMIT, error 149': "Got error 149 - 'Lock deadlock; Retry transaction' during COMMIT",
  ER_OPTION_PREVENTS_STATEMENT: 'running with the --super-read-only option',
  'ER_UNKNOWN_COM_ERROR, WSREP': 'WSREP has not yet prepared node for application use',
  ER_CLIENT_INTERACTION_TIMEOUT: 'The client was disconnected by the server because of inactivity.',
  'ER_UNKNOWN_ERROR, Unavailable': 'vttablet: rpc error: code = Unavailable desc = gone',
  'feature_not_supported, hot standby': 'cannot use serializable mode in a hot standby',
};

const NUMBERED = FAULT_CODES.flatMap((row) => row.codes.filter(isMySql).map((code) => ({ code, row })));
const STATES = FAULT_CODES.flatMap((row) =>
  row.codes
    .filter((code) => /^[0-9A-Z]{5}$/.test(String(code)) && !isMySql(code))
    .map((code) => ({ code, row })),
).filter(({ code }) => code !== 'EPIPE');

/** A statement that makes a server answer with this error. */
function signal(code: number, row: FaultCode): string {
  return `SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = ${code}, MESSAGE_TEXT = "${MESSAGES[row.name] ?? 'as it comes'}"`;
}

function raise(code: number | string, row: FaultCode): string {
  return `DO $$ BEGIN RAISE EXCEPTION '${MESSAGES[row.name] ?? 'as it comes'}' USING ERRCODE = '${code}'; END $$`;
}

forEachInnoDb('an error code through the driver', (kind) => {
  it('matches each row of the table by number and, if the number is shared, by message', async () => {
    await using fresh = await freshDatabase(kind, { migrate: false });
    for (const { code, row } of NUMBERED) {
      const error = await fresh.dataSource.query(signal(code, row)).catch((reason: unknown) => reason);
      expect(faultCodeOf(error)).toBe(row);
      expect([row.name, isDataFault(error), isLockFault(error), isNotPrimary(error)]).toEqual([
        row.name,
        false,
        row.kind === 'again',
        row.kind === 'elsewhere',
      ]);
    }
  });

  it.each([
    [1047, 'Unknown command'],
    [1290, 'running with the --secure-file-priv option'],
    [1105, 'Unknown error'],
    [4031, 'Referenced trigger does not exist'],
    [1146, 'no such table'],
  ])('matches no row: %i, %s', async (code, message) => {
    await using fresh = await freshDatabase(kind, { migrate: false });
    const statement = `SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = ${code}, MESSAGE_TEXT = '${message}'`;
    const error = await fresh.dataSource.query(statement).catch((reason: unknown) => reason);
    expect((error as { errno: number }).errno).toBe(code);
    expect(faultCodeOf(error)).toBeNull();
  });
});

describe('an error code through the driver (postgres)', () => {
  it('matches each row of the table by SQLSTATE', async () => {
    await using fresh = await freshDatabase('postgres', { migrate: false });
    for (const { code, row } of STATES) {
      const error = await fresh.dataSource.query(raise(code, row)).catch((reason: unknown) => reason);
      expect(faultCodeOf(error)).toBe(row);
      expect([row.name, isDataFault(error)]).toEqual([row.name, false]);
    }
  });
});

/** Two sessions that conflict about a row. */
async function quarrel(
  fresh: FreshDatabase,
  before: readonly string[] = [],
): Promise<[QueryRunner, QueryRunner]> {
  await fresh.dataSource.query('CREATE TABLE quarrel (id INT PRIMARY KEY, value INT)');
  await fresh.dataSource.query('INSERT INTO quarrel VALUES (1, 0), (2, 0)');
  const runners: [QueryRunner, QueryRunner] = [
    fresh.dataSource.createQueryRunner(),
    fresh.dataSource.createQueryRunner(),
  ];
  for (const runner of runners) for (const statement of before) await runner.query(statement);
  return runners;
}

const write = (runner: QueryRunner, id: number): Promise<unknown> =>
  runner.query(`UPDATE quarrel SET value = value + 1 WHERE id = ${id}`);

/** A deadlock: each session holds the row that the other one wants. */
async function deadlock([one, other]: [QueryRunner, QueryRunner]): Promise<FaultCode | null> {
  await one.query('BEGIN');
  await other.query('BEGIN');
  await write(one, 1);
  await write(other, 2);
  const first = answerTo(write(one, 2));
  const second = answerTo(write(other, 1));
  const rows = await Promise.all([first, second]);
  for (const runner of [one, other]) await runner.query('ROLLBACK');
  return rows.find((row) => row !== null) ?? null;
}

async function release(runners: QueryRunner[]): Promise<void> {
  for (const runner of runners) await runner.release();
}

forEachInnoDb('conflict errors of a real server', (kind) => {
  it('are recognized: deadlock, lock wait timeout', async () => {
    await using fresh = await freshDatabase(kind, { migrate: false });
    const runners = await quarrel(fresh, ['SET SESSION innodb_lock_wait_timeout = 1']);
    expect(nameOf(await deadlock(runners))).toBe('ER_LOCK_DEADLOCK');
    const [one, other] = runners;
    await one.query('BEGIN');
    await write(one, 1);
    expect(nameOf(await answerTo(write(other, 1)))).toBe('ER_LOCK_WAIT_TIMEOUT');
    await one.query('ROLLBACK');
    await release(runners);
  });

  it('are recognized: read-only transaction', async () => {
    await using fresh = await freshDatabase(kind, { migrate: false });
    const runners = await quarrel(fresh);
    await runners[0].query('START TRANSACTION READ ONLY');
    expect(nameOf(await answerTo(write(runners[0], 1)))).toBe('ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION');
    await runners[0].query('ROLLBACK');
    await release(runners);
  });
});

it('MariaDB’s error that a row has changed since the snapshot is recognized', async () => {
  await using fresh = await freshDatabase('mariadb', { migrate: false });
  const runners = await quarrel(fresh, ['SET SESSION innodb_snapshot_isolation = ON']);
  const [one, other] = runners;
  await one.query('BEGIN');
  await one.query('SELECT * FROM quarrel');
  await write(other, 1);
  expect(nameOf(await answerTo(write(one, 1)))).toBe('ER_CHECKREAD');
  await one.query('ROLLBACK');
  await release(runners);
});

describe('conflict errors of a real server (postgres)', () => {
  it('are recognized: deadlock, lock not available, serialization failure, read-only transaction', async () => {
    await using fresh = await freshDatabase('postgres', { migrate: false });
    const runners = await quarrel(fresh, [`SET deadlock_timeout = '50ms'`]);
    expect(nameOf(await deadlock(runners))).toBe('deadlock_detected');
    const [one, other] = runners;
    await one.query('BEGIN');
    await write(one, 1);
    await other.query(`SET lock_timeout = '50ms'`);
    expect(nameOf(await answerTo(write(other, 1)))).toBe('lock_not_available');
    await one.query('ROLLBACK');
    await one.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await one.query('SELECT * FROM quarrel');
    await write(other, 1);
    expect(nameOf(await answerTo(write(one, 1)))).toBe('serialization_failure');
    await one.query('ROLLBACK');
    await one.query('BEGIN READ ONLY');
    expect(nameOf(await answerTo(write(one, 1)))).toBe('read_only_sql_transaction');
    await one.query('ROLLBACK');
    await release(runners);
  });
});

it('SQLite’s error that the database is locked is recognized', async () => {
  await using fresh = await freshDatabase('sqlite', { migrate: false });
  const [one, other] = [1, 2].map(() => new libsql(fresh.url.replace('sqlite:', ''), { timeout: 0 }));
  one.exec('BEGIN IMMEDIATE');
  expect(nameOf(await answerTo(Promise.resolve().then(() => other.exec('BEGIN IMMEDIATE'))))).toBe(
    'another writer',
  );
  one.close();
  other.close();
});

/** Kills sessions of this database that match this condition in the server's list. */
async function killSessions(fresh: FreshDatabase, sessions: string): Promise<number> {
  if (fresh.kind === 'postgres') {
    const killer = await connectToPostgres(fresh.url);
    const { rowCount } = await killer.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid() AND ${sessions}`,
    );
    await killer.end();
    return rowCount ?? 0;
  }
  const killer = await connectToServer(fresh.url);
  const [rows] = await killer.query(
    `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = '${new URL(fresh.url).pathname.slice(1)}' AND ${sessions}`,
  );
  for (const { id } of rows as { id: number }[]) await killer.query(`KILL ${id}`).catch(() => undefined);
  await killer.end();
  return (rows as unknown[]).length;
}

/** Conditions for a session in a waiting statement. */
const SLEEPING = {
  mariadb: `INFO LIKE '%SLEEP(30)%' AND COMMAND = 'Query'`,
  mysql: `INFO LIKE '%SLEEP(30)%' AND COMMAND = 'Query'`,
  postgres: `query LIKE '%pg_sleep(30)%' AND state = 'active'`,
};
const SLEEP = {
  mariadb: 'UPDATE quarrel SET value = SLEEP(30)',
  mysql: 'UPDATE quarrel SET value = SLEEP(30)',
  postgres: 'UPDATE quarrel SET value = 1 FROM (SELECT pg_sleep(30)) AS pause',
};
const EVERY = { mariadb: '1 = 1', mysql: '1 = 1', postgres: 'true' };

forEachServer('a killed session', (kind) => {
  it('is recognized in a statement and between two', async () => {
    await using fresh = await freshDatabase(kind, { migrate: false });
    const runners = await quarrel(fresh);
    const answer = answerTo(runners[0].query(SLEEP[kind]));
    await waitUntil(async () => (await killSessions(fresh, SLEEPING[kind])) > 0, {
      what: 'a session to be killed',
    });
    expect((await answer)?.kind).toBe('gone');
    // An idle runner that is notified is released, and answers with an error of its own.
    const client = kind === 'postgres' ? await connectToPostgres(fresh.url) : null;
    const idle = (): Promise<unknown> => (client ? client.query('SELECT 1') : runners[1].query('SELECT 1'));
    await idle();
    await killSessions(fresh, EVERY[kind]);
    expect((await answerTo(idle()))?.kind).toBe('gone');
    await release(runners);
  });
});

/** Private servers, because they are shut down. */
const PRIVATE = { mariadb: startMariaDb, mysql: startMySql };
/** An interrupted SLEEP in a condition is an error. */
const PAUSE = 'SELECT 1 FROM mysql.user WHERE SLEEP(30)';

forEachInnoDb('a server that is shut down', (kind) => {
  it('is recognized in the middle of a statement', { timeout: 90_000 }, async () => {
    const server = await PRIVATE[kind]();
    try {
      const [connection, watcher] = [await connectToServer(server.url), await connectToServer(server.url)];
      const answer = answerTo(connection.query(PAUSE));
      const begun = `SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO = '${PAUSE}'`;
      await waitUntil(async () => ((await watcher.query(begun))[0] as unknown[]).length > 0, {
        what: 'it to begin',
      });
      await watcher.end();
      await server.kill('SIGTERM');
      expect((await answer)?.kind).toBe('gone');
    } finally {
      await server.stop();
    }
  });
});

it('a shutdown of PostgreSQL is recognized in the middle of a statement', async () => {
  const server = await startPostgres();
  try {
    const [client, watcher] = [await connectToPostgres(server.url), await connectToPostgres(server.url)];
    const answer = answerTo(client.query('SELECT pg_sleep(30)'));
    const begun = "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)' AND state = 'active'";
    await waitUntil(async () => (await watcher.query(begun)).rows.length > 0, { what: 'it to begin' });
    await server.kill('SIGINT');
    expect(nameOf(await answer)).toBe('admin_shutdown');
  } finally {
    await server.stop();
  }
});

/** Seen where a whole server is made read-only: `test/work/database/failover.servers.spec.ts`. */
const SEEN_ELSEWHERE = ['ER_OPTION_PREVENTS_STATEMENT'];

describe('the table of error codes', () => {
  it('marks exactly the codes that a real server answered in this file', () => {
    const marked = FAULT_CODES.filter(({ trial }) => trial === 'server').map(nameOf);
    expect(new Set([...[...seen].map(nameOf), ...SEEN_ELSEWHERE])).toEqual(new Set(marked));
  });

  it('equals the table of docs/databases.md', async () => {
    const page = await readFile(new URL('../../docs/databases.md', import.meta.url), 'utf8');
    const rows = page
      .split('\n')
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .filter((cells) => cells.length === 7 && /^(again|again here|elsewhere|gone|open)/.test(cells[4]))
      .map((cells) => cells.slice(1, -1).join(' | '));
    expect(rows).toEqual(FAULT_CODES.map(shown));
  });
});

/** A row in the format of the page. */
function shown({ from, codes, name, kind, atCommit, trial }: FaultCode): string {
  const words = atCommit ? `${kind}; at a COMMIT ${atCommit}` : kind;
  const code = codes.length > 0 ? codes.map((one) => `\`${one}\``).join(', ') : 'none';
  return [from, code, name, words.replace('again-here', 'again here'), TRIALS[trial]].join(' | ');
}

const TRIALS = { server: 'on a real server', shape: 'the shape of the error', paper: 'on paper' };
