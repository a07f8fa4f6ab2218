import type { QueryRunner } from 'typeorm';
import type { Dialect } from './dialect.js';
import { type WatchedConnection, watchOf } from './mysql-connection.watch.js';
import { type KeptConnection, SessionKeepAlive } from './session-keep-alive.js';

const UNKNOWN_SYSTEM_VARIABLE = 1193;

/** As TypeORM says it. */
const START = 'START TRANSACTION';

/** Signs of life within the time after which MySQL ends a session: one may be late, or lost in a busy moment. */
const SIGNS_PER_LIMIT = 3;

/**
 * Lets the database end a transaction of ours whose process no longer speaks.
 *
 * A host that loses power, or a process that is stopped, in the middle of a commit leaves a transaction open, and with it a
 * lock on the row of its mailing. No other server can take the mailing over until the database gives that connection up:
 * MySQL and MariaDB after `wait_timeout`, eight hours by default, PostgreSQL when TCP notices. They can be told to wait less:
 *
 * - MariaDB for the next statement of a transaction that has written something (`idle_write_transaction_timeout`, since 10.3).
 * - PostgreSQL for that of any transaction (`idle_in_transaction_session_timeout`).
 * - MySQL has a limit for the whole session only, `wait_timeout`, which knows of no transaction and would end connections that lie idle in
 *   the pool, too. So there each connection with that limit is given signs of life (`SessionKeepAlive`), and only those of a process that is
 *   stopped, cut off or gone are silent for so long. That costs a statement of 40 µs for each connection three times in the limit.
 *
 * On MySQL and MariaDB it is set once for each connection of the host's pool, and again where its settings may have changed, and therefore holds for the host's own transactions on these
 * connections too. On MariaDB they would have to do nothing at all for that long, with locks in their hands; on MySQL the whole process would.
 *
 * On PostgreSQL it is set for our own transactions only (`SET LOCAL`), in one message with the statement that begins them. It costs
 * no round trip, and less time than can be measured. A setting of the session would come to other clients where a pooler gives each transaction another
 * connection to the server, as pgbouncer does in transaction mode.
 *
 * Rejected for MySQL:
 * - The limit without signs of life: a statement that the host sends in the moment in which its connection is ended fails
 *   (4031), and each connection that ends while it is idle has the driver write a warning.
 * - To set it for each transaction and back: two statements more for each, 2.8 ms in place of 2.5 ms for one of three statements.
 * - To have the server that takes over `KILL` the session: it would have to know which one it is, and behind a proxy, or in a cluster,
 *   the number means another one. The tables that say which session blocks which need rights that applications do not have.
 *
 * Rejected: to ask once what the server is and keep the answer for all connections, because the first transactions begin side by side,
 * and would share what one of them fails at. The type of the data source does not tell.
 */
export class IdleTransactionLimit {
  /** By connection, after which look at its settings it was limited. */
  readonly #limited = new WeakMap<object, number>();
  readonly keepAlive: SessionKeepAlive;

  /** @param limitMs 0: connections are left as they are. */
  constructor(
    private readonly limitMs: number,
    private readonly database: Dialect['name'],
  ) {
    this.keepAlive = new SessionKeepAlive(limitMs / SIGNS_PER_LIMIT);
  }

  /** Begins a transaction that the database ends after so long a silence. */
  async begin(runner: QueryRunner): Promise<void> {
    if (this.limitMs > 0 && this.database === 'mysql') await this.#limitSession(runner);
    if (this.limitMs > 0 && this.database === 'postgres')
      sendAlong(runner, `SET LOCAL idle_in_transaction_session_timeout = ${Math.ceil(this.limitMs)}`);
    await runner.startTransaction();
  }

  async #limitSession(runner: QueryRunner): Promise<void> {
    const connection = (await runner.connect()) as KeptConnection & WatchedConnection;
    // The host may have set something, and what is reset with each release of a connection takes the limit along.
    const { numLooks } = watchOf(connection);
    if (this.#limited.get(connection) === numLooks) return;
    const seconds = Math.ceil(this.limitMs / 1_000);
    const { isMariaDb, waitTimeout } = await sessionOf(runner);
    if (isMariaDb) await setWriteTimeout(runner, seconds);
    // The host may want even less.
    else await this.#setWaitTimeout(runner, connection, Math.min(seconds, waitTimeout));
    this.#limited.set(connection, numLooks);
  }

  async #setWaitTimeout(runner: QueryRunner, connection: KeptConnection, seconds: number): Promise<void> {
    await runner.query(`SET SESSION wait_timeout = ${seconds}`);
    this.keepAlive.add(connection);
  }
}

async function sessionOf(runner: QueryRunner): Promise<{ isMariaDb: boolean; waitTimeout: number }> {
  const [row] = (await runner.query(
    'SELECT VERSION() AS version, @@SESSION.wait_timeout AS wait_timeout',
  )) as { version: string; wait_timeout: unknown }[];
  return { isMariaDb: row.version.includes('MariaDB'), waitTimeout: Number(row.wait_timeout) };
}

async function setWriteTimeout(runner: QueryRunner, seconds: number): Promise<void> {
  try {
    await runner.query(`SET SESSION idle_write_transaction_timeout = ${seconds}`);
  } catch (error) {
    // Before 10.3, or a proxy that speaks for another server.
    if ((error as { errno?: number }).errno !== UNKNOWN_SYSTEM_VARIABLE) throw error;
  }
}

/**
 * Lets the next statement that begins a transaction take another one along. TypeORM has no words for that; PostgreSQL takes several
 * statements in one message if they have no values.
 */
function sendAlong(runner: QueryRunner, statement: string): void {
  const own = runner as { query: (sql: string, ...more: unknown[]) => Promise<unknown> };
  const { query } = own;
  own.query = (sql, ...more) => {
    if (sql !== START) return query.call(runner, sql, ...more);
    own.query = query;
    return query.call(runner, `${START}; ${statement}`, ...more);
  };
}
