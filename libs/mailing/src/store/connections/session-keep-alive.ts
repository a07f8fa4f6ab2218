/** The part of a connection of the driver that is used. */
export interface KeptConnection {
  query(sql: string, answered: (error: unknown) => void): unknown;
}

/** Changes nothing, reads nothing and needs no right; allowed in a transaction. */
const KEEP_ALIVE = 'DO 0';

/**
 * Sends a keep-alive statement on each of its connections, idle or in use, so that the database ends only the connections of a process that no longer
 * lives.
 *
 * It bypasses the pool: taking a connection out would keep the host from it. The driver sends one statement after another, so a keep-alive never
 * interrupts another statement. Its timer keeps no process running.
 */
export class SessionKeepAlive {
  /** By connection, whether its last keep-alive was answered. */
  readonly #isAnswered = new Map<KeptConnection, boolean>();
  #timer: NodeJS.Timeout | null = null;

  constructor(private readonly everyMs: number) {}

  get numConnections(): number {
    return this.#isAnswered.size;
  }

  /** Keeps the connection alive until it is closed. */
  add(connection: KeptConnection): void {
    if (!this.#isAnswered.has(connection)) this.#isAnswered.set(connection, true);
    this.#timer ??= setInterval(() => this.#sendKeepAlives(), this.everyMs).unref();
  }

  #sendKeepAlives(): void {
    for (const [connection, isAnswered] of this.#isAnswered) {
      // The last keep-alive still waits behind a long statement; one is enough.
      if (!isAnswered) continue;
      this.#isAnswered.set(connection, false);
      connection.query(KEEP_ALIVE, (error) => {
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

/**
 * Whether the connection is lost. The driver marks such an error as `fatal`, or, for a statement on a closed connection, gives it no `errno`. Other
 * errors do not count: on a live connection a cluster may refuse the keep-alive.
 */
function isFatal(error: unknown): boolean {
  const { fatal, errno } = (error ?? {}) as { fatal?: boolean; errno?: number };
  return Boolean(error) && (fatal === true || typeof errno !== 'number');
}
