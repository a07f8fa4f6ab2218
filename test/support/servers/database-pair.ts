import { startMariaDb } from './maria-db.server.js';
import { startMySql } from './my-sql.server.js';
import { MARIADB_WORDS, MYSQL_WORDS, startMysqlPair } from './mysql-pair.js';
import type { DatabasePair } from './paired-servers.js';
import { startPostgresPair } from './postgres-pair.js';

/** Starts a primary server and another one that follows it. */
export const PAIR_STARTS = {
  mariadb: (): Promise<DatabasePair> => startMysqlPair(startMariaDb, MARIADB_WORDS),
  mysql: (): Promise<DatabasePair> => startMysqlPair(startMySql, MYSQL_WORDS),
  postgres: startPostgresPair,
};
