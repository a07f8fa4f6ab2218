import type { QueryRunner } from 'typeorm';
import { UnsafeConnectionError } from '../../model/errors/database-setting.errors.js';
import { isDefaultHarmless, MYSQL_SESSION_RULES, readMysqlSession } from './mysql.environment.js';
import { type WatchedConnection, watchOf } from './mysql-connection.watch.js';
import { type Ask, harmfulAmong } from './setting-rule.js';

/**
 * Lets no statement of the plugin run on a connection to MySQL or MariaDB without the settings that the plugin relies on.
 *
 * `mysql2` puts values into a statement on the client and escapes them with backslashes. Under `NO_BACKSLASH_ESCAPES` backslashes mean nothing, and a
 * recipient's name, an id from a URL or a reason becomes SQL. The pool and its sessions belong to the host: a setting may come with a new connection
 * (the server's default, `init_connect`), or the host may set it later.
 *
 * - The settings of a connection are read before its first use, by one statement without values, and again after the host has set something on it.
 *   The server's greeting is not enough: `init_connect` runs after it.
 * - After that the check costs no statement: the flags of each answer say how the session reads backslashes, and whether autocommit is on. The last
 *   check is made when the bytes of a statement leave (`MysqlConnectionWatch`).
 * - An unsafe connection is closed if the server's default is safe: the pool then makes a safe one. If it stayed in the pool, it would remain unsafe
 *   after the default was corrected. While the default is unsafe, the connection is left open.
 *
 * Rejected: correcting the session, because it belongs to the host; binding values on the server (`execute`), because a list of recipients has more
 * values than a statement may have there.
 *
 * @param isOurs false for a runner of the host. Its connection may be in a transaction, so it is never closed.
 * @returns a function that ends the hold. Call it before the runner is released.
 * @throws UnsafeConnectionError if a setting of the session is harmful.
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
