import type { QueryRunner } from 'typeorm';
import type { Dialect } from './dialect.js';

const UNKNOWN_SYSTEM_VARIABLE = 1193;

/**
 * Lets MariaDB and PostgreSQL end a transaction of ours whose process no longer speaks.
 *
 * A host that loses power, or a process that is stopped, in the middle of a beat leaves a transaction open, and with it a
 * lock on the row of its mailing. No other server can take the mailing over until the database gives that connection up:
 * MariaDB after `wait_timeout`, eight hours by default, PostgreSQL when TCP notices. Both can be told to wait less for the
 * next statement of a transaction: MariaDB of one that has written something (`idle_write_transaction_timeout`, since 10.3),
 * PostgreSQL of any (`idle_in_transaction_session_timeout`). MySQL has nothing of the kind.
 *
 * It is set once for each connection of the host's pool, and therefore holds for the host's own transactions on these
 * connections too; they would have to do nothing at all for that long, on MariaDB with locks in their hands. Rejected:
 * `SET LOCAL` in each of our own, which is one statement more a beat.
 *
 * Each connection asks its own server what it is, because the type of the data source does not tell. Rejected: to ask once
 * and keep the answer for all, because the first transactions begin side by side, and would share what one of them fails at.
 */
export class IdleTransactionLimit {
  readonly #decided = new WeakSet<object>();

  /** @param limitMs 0: connections are left as they are. */
  constructor(
    private readonly limitMs: number,
    private readonly database: Dialect['name'],
  ) {}

  /** Call it before a transaction is begun. */
  async applyTo(runner: QueryRunner): Promise<void> {
    if (this.limitMs === 0 || this.database === 'sqlite') return;
    const connection = (await runner.connect()) as object;
    if (this.#decided.has(connection)) return;
    if (this.database === 'postgres') {
      await runner.query(`SET SESSION idle_in_transaction_session_timeout = ${Math.ceil(this.limitMs)}`);
    } else if (await isMariaDb(runner)) {
      await setWriteTimeout(runner, Math.ceil(this.limitMs / 1_000));
    }
    this.#decided.add(connection);
  }
}

async function isMariaDb(runner: QueryRunner): Promise<boolean> {
  const [{ version }] = (await runner.query('SELECT VERSION() AS version')) as { version: string }[];
  return version.includes('MariaDB');
}

async function setWriteTimeout(runner: QueryRunner, seconds: number): Promise<void> {
  try {
    await runner.query(`SET SESSION idle_write_transaction_timeout = ${seconds}`);
  } catch (error) {
    // Before 10.3, or a proxy that speaks for another server.
    if ((error as { errno?: number }).errno !== UNKNOWN_SYSTEM_VARIABLE) throw error;
  }
}
