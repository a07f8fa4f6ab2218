import type { EventEmitter } from 'node:events';
import type { DataSource } from 'typeorm';
import type { ReadOnlyServerError } from '../../model/errors/read-only-server.error.js';
import { Refusals } from '../faults/refusals.js';

/** What TypeORM keeps of its pools: `pg`; `mysql2`; `mysql2` with replicas. */
interface Pools {
  master?: EventEmitter;
  pool?: EventEmitter;
  poolCluster?: { _nodes?: Record<string, { pool?: EventEmitter }> };
}

const known = new WeakMap<DataSource, PrimaryWatch>();
const sameServer = (one: ReadOnlyServerError, other: ReadOnlyServerError): boolean =>
  one.server === other.server;

/**
 * Knows of the connections of one data source which are older than the last answer that a server is read-only.
 *
 * After a failover all connections of the pool lead to the old server. One that writes is told so; one that only reads is not, and
 * goes on reading what is no longer true. So the first such answer condemns every connection that was made before it: the plugin uses
 * none of them any more, idle ones and those that others are using. At worst some good ones are made again.
 *
 * Connections are told apart by generations and not by time: an answer on a connection that is condemned already condemns no
 * other, or stragglers would throw away what was made since.
 */
export class PrimaryWatch {
  /** Read-only answers, those that a new connection made good for too. */
  readonly answers = new Refusals<ReadOnlyServerError>(sameServer);
  /** Those that a new connection had as well. */
  readonly outages = new Refusals<ReadOnlyServerError>(sameServer);
  readonly #pools = new WeakSet<EventEmitter>();
  readonly #watched = new WeakSet<object>();
  readonly #listeners = new Set<() => void>();
  /** Of connections that are not in here nothing is known: they were made before this watch began. */
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

  /** @param listener told when a connection is lost, or leads to a server that only reads; not when the pool closes one. */
  onBreak(listener: () => void): void {
    this.#listeners.add(listener);
  }

  #watch(connection: EventEmitter): void {
    if (this.#watched.has(connection)) return;
    this.#watched.add(connection);
    connection.once('error', () => this.tellBreak());
  }

  /** What comes next may be another server. */
  tellBreak(): void {
    for (const listener of this.#listeners) listener();
  }

  /** The server of this connection has said that it is read-only, or lags behind. */
  condemn(connection: object): void {
    if (!this.isCondemned(connection)) this.#generation++;
  }

  #generationOf(connection: object): number {
    return this.#generations.get(connection) ?? 0;
  }

  /** Each time, because a data source that is initialized again has another pool. */
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
    // Some were made before this watch began.
    pool.on('acquire', (connection: EventEmitter) => this.#watch(connection));
  }
}
