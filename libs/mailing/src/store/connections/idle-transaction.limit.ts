import type { QueryRunner } from 'typeorm';
import type { Dialect } from './dialect.js';
import { type WatchedConnection, watchOf } from './mysql-connection.watch.js';
import { type KeptConnection, SessionKeepAlive } from './session-keep-alive.js';

const UNKNOWN_SYSTEM_VARIABLE = 1193;

/** The text that TypeORM sends. */
const START = 'START TRANSACTION';

/** Keep-alive statements per limit: one may be late or lost in a busy moment. */
const KEEP_ALIVES_PER_LIMIT = 3;

/**
 * Makes the database end a transaction of the plugin whose process has gone silent.
 *
 * A host that loses power, or a process that is stopped, in the middle of a commit leaves a transaction open, and with it a lock on the row of its
 * mailing. No other server can take the mailing over until the database closes that connection: MySQL and MariaDB after `wait_timeout`, eight hours
 * by default, PostgreSQL when TCP notices. The wait can be made shorter:
 *
 * - MariaDB limits the wait for the next statement of a transaction that has written something (`idle_write_transaction_timeout`, since 10.3).
 * - PostgreSQL limits the wait for the next statement of any transaction (`idle_in_transaction_session_timeout`).
 * - MySQL has a limit for the whole session only (`wait_timeout`). It ignores transactions, and would end connections that are idle in the pool, too.
 *   So each connection with that limit gets keep-alive statements (`SessionKeepAlive`), and only the connections of a process that is stopped, cut
 *   off or gone are silent for so long. That costs a statement of 40 µs per connection three times per limit.
 *
 * On MySQL and MariaDB the limit is set once for each connection of the host's pool, and again if the connection's settings may have changed. So it
 * holds for the host's own transactions on these connections, too. MariaDB ends such a transaction only if it holds locks and does nothing at all for
 * that long; MySQL only if the whole process does nothing.
 *
 * On PostgreSQL the limit is set for the plugin's own transactions only (`SET LOCAL`), in one message with the statement that begins them. It costs
 * no round trip, and less time than can be measured. A setting of the session would reach other clients if a pooler gives each transaction another
 * connection to the server, as pgbouncer does in transaction mode.
 *
 * Rejected for MySQL:
 * - The limit without keep-alive statements: a statement that the host sends at the moment at which its connection is ended fails (4031), and for
 *   each connection that ends while idle the driver writes a warning.
 * - Setting it for each transaction and back: two more statements each, 2.8 ms instead of 2.5 ms for a transaction of three statements.
 * - `KILL` by the server that takes over: it would have to know the number of the session, and behind a proxy or in a cluster that number means
 *   another session. The tables that say which session blocks need rights that applications do not have.
 *
 * Rejected: asking once what the server is, for all connections. The first transactions begin concurrently, and would share the failure of one of
 * them. The type of the data source does not tell MySQL from MariaDB.
 */
export class IdleTransactionLimit {
  /** By connection: `numLooks` when its limit was set. */
  readonly #limited = new WeakMap<object, number>();
  readonly keepAlive: SessionKeepAlive;

  /** @param limitMs 0: no limit is set. */
  constructor(
    private readonly limitMs: number,
    private readonly database: Dialect['name'],
  ) {
    this.keepAlive = new SessionKeepAlive(limitMs / KEEP_ALIVES_PER_LIMIT);
  }

  /** Begins a transaction that the database ends after `limitMs` of silence. */
  async begin(runner: QueryRunner): Promise<void> {
    if (this.limitMs > 0 && this.database === 'mysql') await this.#limitSession(runner);
    if (this.limitMs > 0 && this.database === 'postgres')
      sendAlong(runner, `SET LOCAL idle_in_transaction_session_timeout = ${Math.ceil(this.limitMs)}`);
    await runner.startTransaction();
  }

  async #limitSession(runner: QueryRunner): Promise<void> {
    const connection = (await runner.connect()) as KeptConnection & WatchedConnection;
    // The host may have changed settings, and a reset at the release of a connection removes the limit.
    const { numLooks } = watchOf(connection);
    if (this.#limited.get(connection) === numLooks) return;
    const seconds = Math.ceil(this.limitMs / 1_000);
    const { isMariaDb, waitTimeout } = await sessionOf(runner);
    if (isMariaDb) await setWriteTimeout(runner, seconds);
    // Keep the host's own limit if it is shorter.
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
    // MariaDB before 10.3, or a proxy that answers for another server.
    if ((error as { errno?: number }).errno !== UNKNOWN_SYSTEM_VARIABLE) throw error;
  }
}

/**
 * Sends another statement along with the next one that begins a transaction. TypeORM has no call for that; PostgreSQL accepts several statements in
 * one message if they have no parameters.
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
