import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDataDirectory, type MySqlPrograms, mySqlPrograms, NO_FILES } from './my-sql.programs.js';
import { PrivateServer } from './private-server.js';
import { connectToServer } from './server-connection.js';
import { asRoot } from './system-programs.js';

export interface MySqlOptions {
  /** More of mysqld's own options, for example `--default-time-zone=+05:00`. */
  arguments?: readonly string[];
}

/** With the durability of its defaults, binary log included, because a test that kills it has to find what was committed. */
export class MySqlServer extends PrivateServer {
  protected readonly orderlySignal = 'SIGTERM';

  private constructor(
    private readonly programs: MySqlPrograms,
    directory: string,
    private readonly options: MySqlOptions,
  ) {
    super(programs.program, directory);
  }

  static async create(options: MySqlOptions = {}): Promise<MySqlServer> {
    const programs = await mySqlPrograms();
    const directory = await mkdtemp(join(tmpdir(), 'mailing-mysql-'));
    const server = new MySqlServer(programs, directory, options);
    try {
      await createDataDirectory(programs, server.dataDirectory);
      await server.startOnFreePort();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** The user is root and has no password. */
  get url(): string {
    return `mysql://root@127.0.0.1:${this.port}`;
  }

  protected arguments(): string[] {
    return [
      ...this.programs.arguments,
      ...asRoot(),
      `--datadir=${this.dataDirectory}`,
      '--bind-address=127.0.0.1',
      `--port=${this.port}`,
      `--socket=${join(this.directory, 'socket')}`,
      `--pid-file=${join(this.directory, 'pid')}`,
      `--tmpdir=${this.directory}`,
      NO_FILES,
      '--skip-name-resolve',
      // It would listen on a second port, the same for every server of the machine.
      '--mysqlx=OFF',
      // It takes as much memory as all the rest, and no test asks it.
      '--performance-schema=OFF',
      // Every test file has pools of its own, and they run side by side.
      '--max-connections=500',
      ...(this.options.arguments ?? []),
    ];
  }

  protected async greet(): Promise<void> {
    const connection = await connectToServer(this.url);
    await connection.end();
  }
}

/** Starts a private MySQL server; unpacks MySQL first if it is missing and this process may do so. */
export function startMySql(options?: MySqlOptions): Promise<MySqlServer> {
  return MySqlServer.create(options);
}
