import type { QueryRunner } from 'typeorm';
import type { Dialect } from './dialect.js';

const UNKNOWN_SYSTEM_VARIABLE = 1193;

/**
 * Lets MariaDB and PostgreSQL end a transaction of ours whose process no longer speaks.
 *
 * A host that loses power, or a process that is stopped, in the middle of a beat leaves a transaction open, and with it a
 * lock on the row of its mailing. Nobody can take the mailing over until the database gives that connection up: MariaDB
 * after `wait_timeout`, eight hours by default, PostgreSQL when TCP notices. Both can be told to wait less for the next
 * statement of a transaction: MariaDB of one that has written something (`idle_write_transaction_timeout`, since 10.3),
 * PostgreSQL of any (`idle_in_transaction_session_timeout`). MySQL has nothing of the kind.
 *
 * It is set once for each connection of the host's pool, and therefore holds for the host's own transactions on these
 * connections too; they would have to do nothing at all for that long, on MariaDB with locks in their hands. Rejected:
 * `SET LOCAL` in each of our own, which is one statement more a beat.
 */
export class IdleTransactionLimit {
  readonly #limited = new WeakSet<object>();
  #statement: string | null;

  /** @param limitMs 0: connections are left as they are. */
  constructor(limitMs: number, database: Dialect['name']) {
    this.#statement = limitMs > 0 ? statementOf(database, limitMs) : null;
  }

  /** Call it before a transaction is begun. */
  async applyTo(runner: QueryRunner): Promise<void> {
    if (this.#statement === null) return;
    const connection = (await runner.connect()) as object;
    if (this.#limited.has(connection)) return;
    try {
      await runner.query(this.#statement);
      this.#limited.add(connection);
    } catch (error) {
      if ((error as { errno?: number }).errno !== UNKNOWN_SYSTEM_VARIABLE) throw error;
      this.#statement = null;
    }
  }
}

function statementOf(database: Dialect['name'], limitMs: number): string | null {
  switch (database) {
    case 'mysql':
      return `SET SESSION idle_write_transaction_timeout = ${Math.ceil(limitMs / 1_000)}`;
    case 'postgres':
      return `SET SESSION idle_in_transaction_session_timeout = ${Math.ceil(limitMs)}`;
    case 'sqlite':
      return null;
  }
}
