import type { SpawnOptions } from 'node:child_process';
import { chown } from 'node:fs/promises';
import {
  type Account,
  copyCluster,
  createCluster,
  postgresPrograms,
  unprivilegedAccount,
} from './postgres.programs.js';
import { PrivateServer, serverDirectory } from './private-server.js';
import { connectToPostgres } from './server-connection.js';

export interface PostgresOptions {
  /** Settings of its configuration, for example `{ TimeZone: 'Asia/Tokyo' }`. */
  settings?: Readonly<Record<string, string>>;
  /** URL of the server whose standby it is to be. */
  standbyOf?: string;
}

/** With the durability of its defaults, because a test that kills it has to find what was committed. */
export class PostgresServer extends PrivateServer {
  // SIGTERM would wait for every client.
  protected readonly orderlySignal = 'SIGINT';

  private constructor(
    program: string,
    directory: string,
    private readonly account: Account | null,
    private readonly options: PostgresOptions,
  ) {
    super(program, directory);
  }

  static async create(options: PostgresOptions = {}): Promise<PostgresServer> {
    const programs = await postgresPrograms();
    const account = await unprivilegedAccount();
    const directory = await serverDirectory('postgres');
    if (account) await chown(directory, account.uid, account.gid);
    const server = new PostgresServer(programs.server, directory, account, options);
    const { standbyOf } = options;
    return server.startAfter(() =>
      standbyOf === undefined
        ? createCluster(programs, server.dataDirectory, account)
        : copyCluster(programs, server.dataDirectory, account, standbyOf),
    );
  }

  /** The user is `postgres` and has no password. */
  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}`;
  }

  /** Sessions of a killed server end a moment after it, and a new one does not start beside them. */
  protected override mayStartLater(log: string): boolean {
    return /pre-existing shared memory block|lock file "postmaster.pid" already exists/.test(log);
  }

  protected override get spawnOptions(): SpawnOptions {
    return { ...this.account, cwd: '/' };
  }

  protected arguments(): string[] {
    const settings = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      // Every test file has pools of its own, and they run side by side.
      max_connections: '300',
      ...this.options.settings,
    };
    return [
      '-D',
      this.dataDirectory,
      '-p',
      String(this.port),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ];
  }

  protected async greet(): Promise<void> {
    const connection = await connectToPostgres(this.url);
    await connection.end();
  }
}

/** Starts a private PostgreSQL server; installs PostgreSQL first if it is missing and this process may do so. */
export function startPostgres(options?: PostgresOptions): Promise<PostgresServer> {
  return PostgresServer.create(options);
}
