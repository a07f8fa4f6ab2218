import type { EventEmitter } from 'node:events';
import type { DataSource } from 'typeorm';

/** The pool as TypeORM keeps it. */
interface Pooled {
  master?: EventEmitter;
}

const watched = new WeakSet<object>();
const ignoreError = (): void => undefined;

/**
 * Keeps the process alive when PostgreSQL ends a connection at the moment at which it is made, as it does during a restart.
 *
 * The pool of `pg` removes its own listener for errors from a connection when it hands the connection out, and TypeORM adds one a microtask later. If
 * the server's farewell arrives in one piece with its greeting, it is read in between, and an error without a listener ends the process. The more
 * connections are made at once, the likelier that is.
 *
 * A listener that does nothing closes the gap: the next statement on the connection fails, because the connection is gone. The drivers of MySQL and
 * SQLite have no such gap.
 */
export function guardNewConnections(dataSource: DataSource): void {
  const pool = (dataSource.driver as unknown as Pooled).master;
  if (!pool || watched.has(pool)) return;
  watched.add(pool);
  pool.on('connect', (connection: EventEmitter) => connection.on('error', ignoreError));
}
