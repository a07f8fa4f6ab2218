import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDataDirectory, mariaDbPrograms } from './maria-db.programs.js';
import { PrivateServer } from './private-server.js';
import { connectToServer } from './server-connection.js';
import { asRoot } from './system-programs.js';

export interface MariaDbOptions {
  /** More of mariadbd's own options, for example `--default-time-zone=+05:00`. */
  arguments?: readonly string[];
}

/** With the durability of its defaults, because a test that kills it has to find what was committed. */
export class MariaDbServer extends PrivateServer {
  protected readonly orderlySignal = 'SIGTERM';

  private constructor(
    program: string,
    directory: string,
    private readonly options: MariaDbOptions,
  ) {
    super(program, directory);
  }

  static async create(options: MariaDbOptions = {}): Promise<MariaDbServer> {
    const programs = await mariaDbPrograms();
    const directory = await mkdtemp(join(tmpdir(), 'mailing-mariadb-'));
    const server = new MariaDbServer(programs.server, directory, options);
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
    return `mariadb://root@127.0.0.1:${this.port}`;
  }

  protected arguments(): string[] {
    return [
      '--no-defaults',
      ...asRoot(),
      `--datadir=${this.dataDirectory}`,
      '--bind-address=127.0.0.1',
      `--port=${this.port}`,
      `--socket=${join(this.directory, 'socket')}`,
      `--pid-file=${join(this.directory, 'pid')}`,
      `--tmpdir=${this.directory}`,
      '--skip-name-resolve',
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

/** Starts a private MariaDB server; installs MariaDB first if it is missing and this process may do so. */
export function startMariaDb(options?: MariaDbOptions): Promise<MariaDbServer> {
  return MariaDbServer.create(options);
}
