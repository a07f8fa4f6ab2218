import { rm } from 'node:fs/promises';
import { createDataDirectory, mariaDbPrograms } from './maria-db.programs.js';
import { type MysqldOptions, MysqldServer } from './mysqld.server.js';
import { serverDirectory } from './private-server.js';

export class MariaDbServer extends MysqldServer {
  static async create(options: MysqldOptions = {}): Promise<MariaDbServer> {
    const programs = await mariaDbPrograms();
    const directory = await serverDirectory('mariadb');
    const server = new MariaDbServer(programs.server, directory, ['--no-defaults'], options);
    return server.startAfter(() => createDataDirectory(programs, server.dataDirectory));
  }

  /** While it is down: gives up its data for those of a new server. */
  async becomeEmpty(): Promise<void> {
    await rm(this.dataDirectory, { recursive: true, force: true });
    await createDataDirectory(await mariaDbPrograms(), this.dataDirectory);
  }

  /** The user is root and has no password. */
  get url(): string {
    return `mariadb://root@127.0.0.1:${this.port}`;
  }
}

/** Starts a private MariaDB server; installs MariaDB first if it is missing and this process may do so. */
export function startMariaDb(options?: MysqldOptions): Promise<MariaDbServer> {
  return MariaDbServer.create(options);
}
