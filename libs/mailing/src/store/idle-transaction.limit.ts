import type { QueryRunner } from 'typeorm';

const UNKNOWN_SYSTEM_VARIABLE = 1193;

/**
 * Lets MariaDB end a transaction of ours whose process no longer speaks.
 *
 * A host that loses power, or a process that is stopped, in the middle of a beat leaves a transaction open, and with it a
 * lock on the row of its mailing. Nobody can take the mailing over until the database gives that connection up: after
 * `wait_timeout`, eight hours by default. MariaDB can be told to wait less for the next statement of a transaction that has
 * written something (`idle_write_transaction_timeout`, since 10.3); MySQL has nothing of the kind.
 *
 * It is set once for each connection of the host's pool, and therefore holds for the host's own transactions on these
 * connections too; they would have to do nothing at all for that long with locks in their hands.
 */
export class IdleTransactionLimit {
  readonly #limited = new WeakSet<object>();
  #isSupported: boolean;

  /** @param limitMs 0: connections are left as they are. */
  constructor(
    private readonly limitMs: number,
    isServer: boolean,
  ) {
    this.#isSupported = isServer && limitMs > 0;
  }

  /** Call it before a transaction is begun. */
  async applyTo(runner: QueryRunner): Promise<void> {
    if (!this.#isSupported) return;
    const connection = (await runner.connect()) as object;
    if (this.#limited.has(connection)) return;
    try {
      await runner.query(`SET SESSION idle_write_transaction_timeout = ${Math.ceil(this.limitMs / 1_000)}`);
      this.#limited.add(connection);
    } catch (error) {
      if ((error as { errno?: number }).errno !== UNKNOWN_SYSTEM_VARIABLE) throw error;
      this.#isSupported = false;
    }
  }
}
