/** The part of a connection of the driver that is used. */
export interface KeptConnection {
  query(sql: string, answered: (error: unknown) => void): unknown;
}

/** Changes nothing, reads nothing, and needs no right; also in a transaction. */
const SIGN_OF_LIFE = 'DO 0';

/**
 * Gives a sign of life on each of its connections, idle or in use, so that the database ends those of a process that no longer lives,
 * and no others.
 *
 * It goes past the pool: to take a connection out would keep the host from it. The driver sends one statement after the other, so a sign
 * never comes into another one. It keeps no process running.
 */
export class SessionKeepAlive {
  /** By connection, whether its last sign was answered. */
  readonly #isAnswered = new Map<KeptConnection, boolean>();
  #timer: NodeJS.Timeout | null = null;

  constructor(private readonly everyMs: number) {}

  get numConnections(): number {
    return this.#isAnswered.size;
  }

  /** Until it is closed. */
  add(connection: KeptConnection): void {
    if (!this.#isAnswered.has(connection)) this.#isAnswered.set(connection, true);
    this.#timer ??= setInterval(() => this.#giveSigns(), this.everyMs).unref();
  }

  #giveSigns(): void {
    for (const [connection, isAnswered] of this.#isAnswered) {
      // One that waits behind a long statement is enough.
      if (!isAnswered) continue;
      this.#isAnswered.set(connection, false);
      connection.query(SIGN_OF_LIFE, (error) => {
        if (isFatal(error)) this.#drop(connection);
        else this.#isAnswered.set(connection, true);
      });
    }
  }

  #drop(connection: KeptConnection): void {
    this.#isAnswered.delete(connection);
    if (this.#isAnswered.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}

/** The driver says it of a lost connection; a statement on one that is closed has no number. On a living one a cluster may refuse the sign. */
function isFatal(error: unknown): boolean {
  const { fatal, errno } = (error ?? {}) as { fatal?: boolean; errno?: number };
  return Boolean(error) && (fatal === true || typeof errno !== 'number');
}
