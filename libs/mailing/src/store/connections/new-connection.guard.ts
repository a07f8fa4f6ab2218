import type { EventEmitter } from 'node:events';
import type { DataSource } from 'typeorm';

/** What TypeORM keeps of its connections. */
interface Pooled {
  master?: EventEmitter;
}

const watched = new WeakSet<object>();
const ITS_POOL_HEARS_OF_IT = (): void => undefined;

/**
 * Keeps a process alive when PostgreSQL ends a connection in the very moment in which it is made, as it does when it is restarted.
 *
 * The pool of `pg` takes its own listener for errors off a connection when it hands it out, and TypeORM puts one on a microtask
 * later. If the server's farewell has come in one piece with its greeting it is read in between, and an error that nobody
 * listens to ends the process. The more connections are made again at once, the likelier that is.
 *
 * A listener of ours that does nothing closes the gap: whoever asks the connection next is told that it is gone. MySQL's and SQLite's
 * drivers have no such gap.
 */
export function guardNewConnections(dataSource: DataSource): void {
  const pool = (dataSource.driver as unknown as Pooled).master;
  if (!pool || watched.has(pool)) return;
  watched.add(pool);
  pool.on('connect', (connection: EventEmitter) => connection.on('error', ITS_POOL_HEARS_OF_IT));
}
