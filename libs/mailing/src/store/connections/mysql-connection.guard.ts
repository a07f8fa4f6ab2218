import type { QueryRunner } from 'typeorm';
import { UnsafeConnectionError } from '../../model/errors/database-setting.errors.js';
import { isDefaultHarmless, MYSQL_SESSION_RULES, readMysqlSession } from './mysql.environment.js';
import { type WatchedConnection, watchOf } from './mysql-connection.watch.js';
import { type Ask, harmfulAmong } from './setting-rule.js';

/**
 * Lets no statement of the plugin run on a connection to MySQL or MariaDB whose settings are not those on which it rests.
 *
 * `mysql2` puts values into a statement on this side of the wire and escapes them with backslashes. Under `NO_BACKSLASH_ESCAPES` these
 * mean nothing, and a recipient's name, an id from a URL or a reason becomes SQL. The pool is the host's, and so are its
 * sessions: a setting may come with a new connection (the server's default, `init_connect`), or be made by the host in between.
 *
 * - A connection is looked at before its first use, by one statement without values, and again when the host has set something on
 *   it. The server's greeting is not enough: `init_connect` runs behind it.
 * - From then on it costs no statement: the flags of each answer say how the session reads backslashes, and whether it commits
 *   by itself. The last check is made when the bytes of a statement leave (`MysqlConnectionWatch`).
 * - An unsafe connection is closed if the server's default is in order, so that the pool makes a new one; otherwise it
 *   would stay in the pool, and unsafe, after the default was put right. While the default is unsafe, it is left as it is.
 *
 * Rejected: to put the session right, because it is the host's; to bind values on the server (`execute`), because a list of recipients
 * has more of them than a statement may have there.
 *
 * @param isOurs false for a runner of the host, whose connection may be in a transaction: it is never closed.
 * @returns what ends the hold. Call it before the runner is released.
 * @throws UnsafeConnectionError
 */
export async function holdMysqlConnection(runner: QueryRunner, isOurs: boolean): Promise<() => void> {
  const connection = (await runner.connect()) as WatchedConnection;
  const watch = watchOf(connection);
  if (watch.mustLook) {
    watch.beginLook();
    try {
      await look(runner, isOurs ? connection : {});
    } catch (error) {
      watch.distrust();
      throw error;
    }
  }
  return watch.hold();
}

async function look(runner: QueryRunner, connection: WatchedConnection): Promise<void> {
  const ask: Ask = (sql) => runner.query(sql) as Promise<Record<string, unknown>[]>;
  const [harmful] = harmfulAmong(MYSQL_SESSION_RULES, await readMysqlSession(ask));
  if (!harmful) return;
  if (connection.destroy && (await isDefaultHarmless(ask, harmful.setting))) connection.destroy();
  throw new UnsafeConnectionError(harmful);
}
