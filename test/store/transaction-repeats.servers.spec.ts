import { describe, expect, it } from 'vitest';
import { type Recipient, recipientsFromQuery, TypeOrmProfileRepository } from 'nestjs-mailing';
import { DataSource, type SelectQueryBuilder } from 'typeorm';
import { faultCodeOf } from '../../libs/mailing/src/store/faults/fault-codes.js';
import { MailingDatabase, type Session } from '../../libs/mailing/src/store/database/mailing.database.js';
import { mailingDataSourceOptions } from '../../ormconfig.js';
import { Customer } from '../support/hosts/customer.entity.js';
import { forEachInnoDb, forEachServer } from '../support/databases/for-each-database.js';
import { FailureLog } from '../support/failure-log.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { waitUntil } from '../support/wait-until.js';

const COUNTER = [
  'CREATE TABLE counter (id INT PRIMARY KEY, value INT NOT NULL)',
  'INSERT INTO counter VALUES (1, 0)',
];
const ONE_MORE = 'UPDATE counter SET value = value + 1';

async function withCounter(kind: FreshDatabase['kind'], dataSource: object = {}): Promise<FreshDatabase> {
  const fresh = await freshDatabase(kind, { migrate: false, dataSource });
  for (const statement of COUNTER) await fresh.dataSource.query(statement);
  return fresh;
}

async function counted({ dataSource }: FreshDatabase): Promise<number> {
  const [{ value }] = await dataSource.query<{ value: number }[]>('SELECT value FROM counter');
  return value;
}

forEachServer('a transaction whose connection is lost', (kind) => {
  it('with the answer to its COMMIT is not repeated: its outcome is unknown, and here it was committed', async () => {
    await using fresh = await withCounter(kind);
    await using proxy = await TcpProxy.start(fresh.url);
    const own = await new DataSource(mailingDataSourceOptions(proxy.url)).initialize();
    const database = new MailingDatabase(own);
    let isCommitting = false;
    proxy.tap = (from, chunk) => void (isCommitting ||= from === 'client' && chunk.includes('COMMIT'));
    // The data after it is the answer.
    proxy.forge = (chunk) => {
      if (!isCommitting) return chunk;
      proxy.cut();
      return Buffer.alloc(0);
    };
    let numRuns = 0;
    const committing = database.transaction(async (session) => {
      numRuns++;
      await session.change(ONE_MORE);
    });
    await expect(committing).rejects.toSatisfy((error) => faultCodeOf(error)?.kind === 'gone');
    await waitUntil(async () => (await counted(fresh)) === 1, { what: 'the commit' });
    expect(numRuns).toBe(1);
    await own.destroy();
  });
});

/** A statement that a server answers with this error. */
const signal = (code: number, message = 'as it comes'): string =>
  `SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = ${code}, MESSAGE_TEXT = "${message}"`;
const REFUSED = signal(3101);
const VICTIM = signal(1180, "Got error 149 - 'Lock deadlock; Retry transaction' during COMMIT");
const DEADLOCK = signal(1213);
const LEFT_CLUSTER = signal(1047, 'WSREP has not yet prepared node for application use');
const READ_ONLY = signal(1290, 'running with the --super-read-only option');

/** Errors of a cluster, raised by a real server on command. */
forEachInnoDb('a transaction that a cluster refuses', (kind) => {
  /** Runs a transaction whose attempts meet these errors in turn; the next attempt succeeds. */
  async function attempts(
    fresh: FreshDatabase,
    answers: readonly string[],
    ask = (session: Session, answer: string): Promise<unknown> => session.change(answer),
  ): Promise<{ connections: number[]; error: { errno?: number; code?: string } | null }> {
    const database = new MailingDatabase(fresh.dataSource);
    const connections: number[] = [];
    const error = await database
      .transaction(async (session) => {
        await session.change(ONE_MORE);
        const [{ id }] = await session.rows<{ id: number }>('SELECT CONNECTION_ID() AS id');
        const answer = answers[connections.push(id) - 1];
        if (answer) await ask(session, answer);
      })
      .then(
        () => null,
        (reason: unknown) => reason as { errno?: number; code?: string },
      );
    return { connections, error };
  }

  it.each([
    ['3101, certified by none', [REFUSED, REFUSED]],
    ['1180 with error 149', [VICTIM, VICTIM]],
    ['a deadlock', [DEADLOCK, DEADLOCK]],
    ['3101, and then a deadlock', [REFUSED, DEADLOCK]],
  ])('for %s is repeated as a whole, and counted once', async (_, answers) => {
    await using fresh = await withCounter(kind);
    const { connections, error } = await attempts(fresh, answers);
    expect([connections.length, error]).toEqual([3, null]);
    expect(await counted(fresh)).toBe(1);
  });

  it('with 3101 stays on its connection, not on another of the pool', async () => {
    await using fresh = await withCounter(kind, { extra: { connectionLimit: 2 } });
    const [held, waiting] = [fresh.dataSource.createQueryRunner(), fresh.dataSource.createQueryRunner()];
    await held.connect();
    let gotOne: Promise<unknown> = Promise.resolve();
    const committing = attempts(fresh, [REFUSED, DEADLOCK, REFUSED], async (session, answer) => {
      // It would get the connection that the transaction released, and then the transaction would get the other one.
      gotOne = waiting.connect();
      void Promise.race([gotOne, committing]).then(() => held.release());
      await session.change(answer);
    });
    const { connections } = await committing;
    await gotOne;
    await waiting.release();
    expect(connections).toHaveLength(4);
    expect(new Set(connections).size).toBe(1);
  });

  it.each([
    ['writes nothing any more', READ_ONLY, 1290],
    ['has a row already', signal(1062), 1062],
    ['could not run its hook', signal(3100), 3100],
  ])(
    'with 3101 by a server that then %s is not repeated anywhere: its outcome is unknown',
    async (_, then, errno) => {
      await using fresh = await withCounter(kind);
      const { connections, error } = await attempts(fresh, [REFUSED, then]);
      expect([connections.length, error?.errno]).toEqual([2, errno]);
      expect(await counted(fresh)).toBe(0);
    },
  );

  it('on every attempt fails after six attempts, on one connection', async () => {
    await using fresh = await withCounter(kind);
    const { connections, error } = await attempts(
      fresh,
      Array.from({ length: 50 }, () => REFUSED),
    );
    expect([connections.length, error?.errno]).toEqual([6, 3101]);
  });

  it('as a read-only server, before its COMMIT, is repeated on a new connection', async () => {
    await using fresh = await withCounter(kind);
    const { connections, error } = await attempts(fresh, [READ_ONLY]);
    expect(error).toBeNull();
    expect(new Set(connections).size).toBe(2);
    expect(await counted(fresh)).toBe(1);
  });

  it('for a failed hook is not repeated, because the group may have committed it', async () => {
    await using fresh = await withCounter(kind);
    const { connections, error } = await attempts(fresh, [signal(3100)]);
    expect([connections.length, error?.errno]).toEqual([1, 3100]);
  });

  it('as a single statement without a transaction, by a node that leaves its cluster, has an unknown outcome', async () => {
    const log = new FailureLog();
    await using fresh = await freshDatabase(kind, { migrate: false, dataSource: { logger: log } as object });
    const database = new MailingDatabase(fresh.dataSource);
    const change = database.change(LEFT_CLUSTER);
    await expect(change).rejects.toMatchObject({ errno: 1047 });
    expect(log.failures).toEqual([LEFT_CLUSTER]);
    // A SELECT changes nothing, so it is repeated on another connection.
    await expect(database.rows(LEFT_CLUSTER)).rejects.toMatchObject({ code: 'MAILING_READ_ONLY_SERVER' });
    expect(log.failures).toHaveLength(3);
  });
});

it('a COMMIT that PostgreSQL refuses for a conflict is rolled back, and the transaction repeated', async () => {
  await using fresh = await withCounter('postgres');
  await fresh.dataSource.query('CREATE SEQUENCE attempts');
  await fresh.dataSource.query(`CREATE FUNCTION refuse_twice() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF nextval('attempts') < 3 THEN RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END IF;
      RETURN NULL;
    END $$`);
  await fresh.dataSource.query(`CREATE CONSTRAINT TRIGGER at_commit AFTER UPDATE ON counter
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_twice()`);
  const database = new MailingDatabase(fresh.dataSource);
  await database.transaction((session) => session.change(ONE_MORE));
  expect(await counted(fresh)).toBe(1);
  expect(await fresh.dataSource.query('SELECT last_value FROM attempts')).toEqual([{ last_value: '3' }]);
});

describe('conflicts in tables of the host', () => {
  /** Fails twice and then succeeds. A sequence counts, because it is not rolled back. */
  const REFUSES_TWICE = `CREATE FUNCTION refuses_twice() RETURNS int LANGUAGE plpgsql AS $$
    BEGIN
      IF nextval('attempts') < 3 THEN RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END IF;
      RETURN 1;
    END $$`;
  const REFUSES_CHANGES = `CREATE FUNCTION refuses_changes() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM refuses_twice(); RETURN NEW; END $$`;

  async function shop(): Promise<FreshDatabase & { customers: DataSource }> {
    const fresh = await freshDatabase('postgres', { migrate: false });
    const customers = await fresh.connect({ entities: [Customer], migrations: [], synchronize: true });
    for (const statement of ['CREATE SEQUENCE attempts', REFUSES_TWICE, REFUSES_CHANGES])
      await customers.query(statement);
    await customers.getRepository(Customer).insert({ mail: 'ann@home.example' });
    return { ...fresh, customers };
  }

  const numAttempts = async ({ customers }: { customers: DataSource }): Promise<number> => {
    const [{ last_value: value }] = await customers.query<{ last_value: string }[]>(
      'SELECT last_value FROM attempts',
    );
    return Number(value);
  };

  it('repeat writes of profiles', async () => {
    await using fresh = await shop();
    await fresh.customers.query(
      'CREATE TRIGGER refuse BEFORE UPDATE ON shop_customer FOR EACH ROW EXECUTE FUNCTION refuses_changes()',
    );
    const profiles = new TypeOrmProfileRepository(fresh.customers, Customer, {
      id: 'number',
      email: 'mail',
      emailStatus: { column: 'mailState', invalid: ['bounced'], valid: 'ok' },
    });
    await profiles.setEmailStatus?.(['ann@home.example'], 'invalid');
    expect(await fresh.customers.getRepository(Customer).findOneBy({})).toMatchObject({
      mailState: 'bounced',
    });
    expect(await numAttempts(fresh)).toBe(3);
  });

  const listOf = (query: SelectQueryBuilder<Customer>): AsyncGenerator<Recipient, void, undefined> =>
    recipientsFromQuery(query.where('refuses_twice() = 1'), { id: 'number' });

  it('repeat the read of a list', async () => {
    await using fresh = await shop();
    const [first] = await readAll(
      listOf(fresh.customers.getRepository(Customer).createQueryBuilder('customer')),
    );
    expect(first).toEqual({ userId: '1' });
    expect(await numAttempts(fresh)).toBe(3);
  });

  it('do not repeat the read of a list in a transaction of the host, because that is rolled back', async () => {
    await using fresh = await shop();
    const runner = fresh.customers.createQueryRunner();
    await runner.startTransaction();
    const query = fresh.customers.getRepository(Customer).createQueryBuilder('customer', runner);
    await expect(readAll(listOf(query))).rejects.toMatchObject({ code: '40001' });
    expect(await numAttempts(fresh)).toBe(1);
    await runner.rollbackTransaction();
    await runner.release();
  });
});

async function readAll<T>(list: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of list) all.push(one);
  return all;
}
