import type { SpawnOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chown, rm } from 'node:fs/promises';
import {
  type Account,
  copyCluster,
  createCluster,
  type PostgresPrograms,
  postgresPrograms,
  unprivilegedAccount,
} from './postgres.programs.js';
import { PrivateServer, serverDirectory } from './private-server.js';
import { connectToPostgres } from '../databases/server-connection.js';
import { suspend } from '../suspended-process.js';

export interface PostgresOptions {
  /** Settings of its configuration, for example `{ TimeZone: 'Asia/Tokyo' }`. */
  settings?: Readonly<Record<string, string>>;
  /** URL of the server whose standby it is to be. */
  standbyOf?: string;
}

/** With default durability, because tests kill it and expect commits to survive. */
export class PostgresServer extends PrivateServer {
  // SIGTERM would wait for every client.
  protected readonly orderlySignal = 'SIGINT';

  private constructor(
    private readonly programs: PostgresPrograms,
    directory: string,
    private readonly account: Account | null,
    private readonly options: PostgresOptions,
  ) {
    super(programs.server, directory);
  }

  static async create(options: PostgresOptions = {}): Promise<PostgresServer> {
    const programs = await postgresPrograms();
    const account = await unprivilegedAccount();
    const directory = await serverDirectory('postgres');
    if (account) await chown(directory, account.uid, account.gid);
    const server = new PostgresServer(programs, directory, account, options);
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

  /** While it is down: replaces its data by a copy of the server with this URL, which it follows from its next start. */
  async becomeStandbyOf(url: string): Promise<void> {
    await rm(this.dataDirectory, { recursive: true, force: true });
    await copyCluster(this.programs, this.dataDirectory, this.account, url);
  }

  /**
   * Kills the session processes too. Otherwise a session in a commit would complete it after the server was killed, and a frozen
   * session would stay.
   */
  override async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (signal === 'SIGKILL') {
      // Stopped first, it starts no more sessions, and does not see them end.
      await super.freeze();
      for (const pid of this.childPids()) {
        send(pid, 'SIGKILL');
        this.reaper.forget(pid);
      }
    }
    await super.kill(signal);
  }

  override async freeze(): Promise<void> {
    await super.freeze();
    const pids = this.childPids();
    // If only the server were killed, the sessions would stay, stopped.
    for (const pid of pids) this.reaper.watch(pid);
    await Promise.all(pids.map(suspend));
  }

  override thaw(): void {
    for (const pid of this.childPids()) {
      this.reaper.forget(pid);
      send(pid, 'SIGCONT');
    }
    super.thaw();
  }

  private childPids(): number[] {
    return this.pid ? childrenOf(this.pid) : [];
  }

  /** Sessions of a killed server end a moment after it, and a new server does not start before. */
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
      // Test files run in parallel, each with pools of its own.
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

/** Empty on systems other than Linux. */
function childrenOf(pid: number): number[] {
  try {
    const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return pids.split(' ').filter(Boolean).map(Number);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [];
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Starts a private PostgreSQL server; installs PostgreSQL first if it is missing and this process may do so. */
export function startPostgres(options?: PostgresOptions): Promise<PostgresServer> {
  return PostgresServer.create(options);
}
