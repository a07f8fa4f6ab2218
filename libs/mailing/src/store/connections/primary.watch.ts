import type { EventEmitter } from 'node:events';
import type { DataSource } from 'typeorm';
import type { ReadOnlyServerError } from '../../model/errors/read-only-server.error.js';
import { Refusals } from '../faults/refusals.js';

/** The pools as TypeORM keeps them: `pg`; `mysql2`; `mysql2` with replicas. */
interface Pools {
  master?: EventEmitter;
  pool?: EventEmitter;
  poolCluster?: { _nodes?: Record<string, { pool?: EventEmitter }> };
}

const known = new WeakMap<DataSource, PrimaryWatch>();
const sameServer = (one: ReadOnlyServerError, other: ReadOnlyServerError): boolean =>
  one.server === other.server;

/**
 * Knows which connections of one data source are older than the last answer that a server is read-only.
 *
 * After a failover all connections of the pool lead to the old server. A connection that writes gets that answer; a connection that only reads does
 * not, and goes on reading stale data. So the first such answer condemns every connection that was made before it, idle or in use: the plugin uses
 * none of them any more. At worst some good ones are made again.
 *
 * Connections are told apart by generations and not by time: an answer on a condemned connection condemns no other. Otherwise late answers on old
 * connections would condemn the new ones.
 */
export class PrimaryWatch {
  /** Read-only answers, including those after which a new connection succeeded. */
  readonly answers = new Refusals<ReadOnlyServerError>(sameServer);
  /** Read-only answers that a new connection got, too. */
  readonly outages = new Refusals<ReadOnlyServerError>(sameServer);
  readonly #pools = new WeakSet<EventEmitter>();
  readonly #watched = new WeakSet<object>();
  readonly #listeners = new Set<() => void>();
  /** A connection that is not in here was made before this watch began, and counts as generation 0. */
  readonly #generations = new WeakMap<object, number>();
  #generation = 0;

  private constructor(private readonly dataSource: DataSource) {}

  /** One for each data source, whatever uses it. */
  static of(dataSource: DataSource): PrimaryWatch {
    let found = known.get(dataSource);
    if (!found) known.set(dataSource, (found = new PrimaryWatch(dataSource)));
    found.#watchPools();
    return found;
  }

  isCondemned(connection: object): boolean {
    return this.#generationOf(connection) < this.#generation;
  }

  /** @param listener called when a connection is lost, or leads to a read-only server; not when the pool closes one. */
  onBreak(listener: () => void): void {
    this.#listeners.add(listener);
  }

  #watch(connection: EventEmitter): void {
    if (this.#watched.has(connection)) return;
    this.#watched.add(connection);
    connection.once('error', () => this.tellBreak());
  }

  /** Tells the listeners that the next connection may lead to another server. */
  tellBreak(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Call it when the server of this connection has answered that it is read-only, or lags behind. */
  condemn(connection: object): void {
    if (!this.isCondemned(connection)) this.#generation++;
  }

  #generationOf(connection: object): number {
    return this.#generations.get(connection) ?? 0;
  }

  /** Called on each use, because a data source that is initialized again has another pool. */
  #watchPools(): void {
    const { master, pool, poolCluster } = this.dataSource.driver as unknown as Pools;
    this.#watchPool(master, 'connect');
    this.#watchPool(pool, 'connection');
    this.#watchPool(poolCluster?._nodes?.MASTER?.pool, 'connection');
  }

  #watchPool(pool: EventEmitter | undefined, whenMade: 'connect' | 'connection'): void {
    if (!pool || this.#pools.has(pool)) return;
    this.#pools.add(pool);
    pool.on(whenMade, (connection: object) => this.#generations.set(connection, this.#generation));
    // On `acquire`, because some connections were made before this watch began.
    pool.on('acquire', (connection: EventEmitter) => this.#watch(connection));
  }
}
