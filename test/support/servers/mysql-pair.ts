import type { Connection } from 'mysql2/promise';
import {
  type DatabasePair,
  PAIR_DATABASE,
  PAIR_USER,
  type PairedServer,
  withTeardown,
} from './paired-servers.js';
import type { MysqldOptions, MysqldServer } from './mysqld.server.js';
import type { PrivateServer } from './private-server.js';
import { connectToServer } from '../databases/server-connection.js';

const CATCH_UP_S = 30;

/** Statements that differ between MySQL and MariaDB. */
interface PairWords {
  options: readonly string[];
  follow: (port: string) => string;
  start: string;
  hold: string;
  stop: readonly string[];
  /** SQL expression: the replication position of a server. */
  position: string;
  /** SQL expression: waits until a server has reached a position; 0 once it has. */
  waitFor: (position: string) => string;
  readOnly: string;
}

export const MARIADB_WORDS: PairWords = {
  options: [],
  follow: (port) =>
    `CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${port}, MASTER_USER = 'root', MASTER_USE_GTID = slave_pos`,
  start: 'START SLAVE',
  hold: 'STOP SLAVE IO_THREAD',
  stop: ['STOP SLAVE', 'RESET SLAVE ALL'],
  position: '@@GLOBAL.gtid_binlog_pos',
  waitFor: (position) => `MASTER_GTID_WAIT('${position}', ${CATCH_UP_S})`,
  readOnly: 'read_only',
};

export const MYSQL_WORDS: PairWords = {
  options: ['--gtid-mode=ON', '--enforce-gtid-consistency=ON'],
  follow: (port) =>
    `CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = ${port}, SOURCE_USER = 'root', ` +
    'SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1',
  start: 'START REPLICA',
  hold: 'STOP REPLICA IO_THREAD',
  stop: ['STOP REPLICA', 'RESET REPLICA ALL'],
  position: '@@GLOBAL.gtid_executed',
  waitFor: (position) => `WAIT_FOR_EXECUTED_GTID_SET('${position}', ${CATCH_UP_S})`,
  readOnly: 'super_read_only',
};

export function startMysqlPair(
  start: (options: MysqldOptions) => Promise<MysqldServer>,
  words: PairWords,
): Promise<DatabasePair> {
  return withTeardown(async (defer) => {
    const add = async (id: number): Promise<PairedServer & { port: string; kill: () => Promise<void> }> => {
      const options = [`--server-id=${id}`, '--log-bin=binlog', '--binlog-format=ROW', ...words.options];
      const server = await start({ arguments: options });
      defer(() => server.stop());
      const admin = await connectToServer(server.url);
      defer(() => admin.destroy());
      return { ...paired(server, admin), port: new URL(server.url).port, kill: () => server.kill() };
    };
    const first = await add(1);
    const second = await add(2);
    await first.ask(`CREATE DATABASE ${PAIR_DATABASE} CHARACTER SET utf8mb4`);
    await first.ask(`CREATE USER '${PAIR_USER}'@'%'`);
    await first.ask(`GRANT ALL ON ${PAIR_DATABASE}.* TO '${PAIR_USER}'@'%'`);
    await second.ask(words.follow(first.port));
    await second.ask(words.start);
    const catchUp = async (): Promise<void> => {
      const [{ position }] = await first.ask(`SELECT ${words.position} AS position`);
      const [{ answer }] = await second.ask(`SELECT ${words.waitFor(String(position))} AS answer`);
      if (Number(answer) !== 0) throw new Error('The second server did not catch up.');
    };
    await catchUp();
    await second.ask(`SET GLOBAL ${words.readOnly} = ON`);
    const promote = async (): Promise<void> => {
      for (const statement of words.stop) await second.ask(statement);
      // Turns super_read_only off with it.
      await second.ask('SET GLOBAL read_only = OFF');
    };
    const swap = async (): Promise<void> => {
      // Transactions begun before can not commit either.
      await first.ask(`SET GLOBAL ${words.readOnly} = ON`);
      await catchUp();
      await promote();
    };
    const hold = async (): Promise<void> => void (await second.ask(words.hold));
    const loseFirst = async (): Promise<void> => {
      await first.kill();
      await promote();
    };
    return { first, second, swap, hold, loseFirst };
  });
}

function paired({ url }: PrivateServer, admin: Connection): PairedServer {
  const ask = async (sql: string): Promise<Record<string, unknown>[]> =>
    (await admin.query(sql))[0] as unknown as Record<string, unknown>[];
  return {
    url: `${url.replace('root@', `${PAIR_USER}@`)}/${PAIR_DATABASE}`,
    ask,
    async sessions() {
      const sql = `SELECT id FROM information_schema.PROCESSLIST WHERE user = '${PAIR_USER}' ORDER BY id`;
      return (await ask(sql)).flatMap(Object.values).map(String);
    },
  };
}
