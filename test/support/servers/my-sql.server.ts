import { createDataDirectory, mySqlPrograms, NO_FILES } from './my-sql.programs.js';
import { type MysqldOptions, MysqldServer } from './mysqld.server.js';
import { serverDirectory } from './private-server.js';

const OWN_ARGUMENTS = [
  NO_FILES,
  // It would listen on a second port, the same for every server of the machine.
  '--mysqlx=OFF',
  // It takes as much memory as all the rest, and no test asks it.
  '--performance-schema=OFF',
];

/** Its binary log is on, as by default. */
export class MySqlServer extends MysqldServer {
  static async create(options: MysqldOptions = {}): Promise<MySqlServer> {
    const programs = await mySqlPrograms();
    const directory = await serverDirectory('mysql');
    const server = new MySqlServer(
      programs.program,
      directory,
      [...programs.arguments, ...OWN_ARGUMENTS],
      options,
    );
    return server.startAfter(() => createDataDirectory(programs, server.dataDirectory));
  }

  /** The user is root and has no password. */
  get url(): string {
    return `mysql://root@127.0.0.1:${this.port}`;
  }
}

/** Starts a private MySQL server; unpacks MySQL first if it is missing and this process may do so. */
export function startMySql(options?: MysqldOptions): Promise<MySqlServer> {
  return MySqlServer.create(options);
}
