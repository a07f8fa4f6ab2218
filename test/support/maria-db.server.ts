import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { asRoot, createDataDirectory, mariaDbPrograms } from './maria-db.programs.js';
import { Reaper } from './reaper.js';
import { connectToServer } from './server-connection.js';
import { waitUntil } from './wait-until.js';

/** Another process may take the free port before the server does. */
const PORT_ATTEMPTS = 5;

export interface MariaDbOptions {
  /** More of mariadbd's own options, for example `--default-time-zone=+05:00`. */
  arguments?: readonly string[];
}

/**
 * A private MariaDB server: own data directory, socket and port, on loopback only, with the durability of its
 * defaults, because a test that kills it has to find what was committed.
 *
 * It is gone after `stop()`, and also when the process that started it ends in any other way.
 */
export class MariaDbServer {
  private process: ChildProcess | undefined;
  private port = 0;

  private constructor(
    private readonly program: string,
    private readonly directory: string,
    private readonly reaper: Reaper,
    private readonly options: MariaDbOptions,
  ) {}

  static async create(options: MariaDbOptions = {}): Promise<MariaDbServer> {
    const programs = await mariaDbPrograms();
    const directory = await mkdtemp(join(tmpdir(), 'mailing-mariadb-'));
    const server = new MariaDbServer(programs.server, directory, new Reaper(directory), options);
    try {
      await createDataDirectory(programs, server.dataDirectory);
      await server.startOnFreePort();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Without the name of a database. The user is root and has no password. */
  get url(): string {
    return `mariadb://root@127.0.0.1:${this.port}`;
  }

  /** `undefined` while the server is down. */
  get pid(): number | undefined {
    return this.process?.pid;
  }

  get dataDirectory(): string {
    return join(this.directory, 'data');
  }

  /** Starts it again after `kill()`, on the same data and the same port. Resolves when it answers. */
  async start(): Promise<void> {
    if (this.process) return;
    const child = spawn(this.program, this.arguments(), { detached: true, stdio: 'ignore' });
    await once(child, 'spawn');
    const pid = child.pid!;
    this.process = child;
    this.reaper.watch(pid);
    child.once('exit', () => {
      this.process = undefined;
      this.reaper.forget(pid);
    });
    // The server alone does not keep a script alive; the reaper ends it then.
    child.unref();
    await waitUntil(() => this.answers(), { what: 'MariaDB to answer', deadlineMs: 60_000 });
  }

  /** Ends the process and waits until it is gone: at once, or in order with SIGTERM. The data stay. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.process;
    if (!child) return;
    const gone = once(child, 'exit');
    child.ref();
    child.kill(signal);
    await gone;
  }

  /** Ends the server in order and removes its data. */
  async stop(): Promise<void> {
    await this.kill('SIGTERM');
    await this.reaper.reap();
  }

  private async startOnFreePort(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      this.port = await freePort();
      try {
        return await this.start();
      } catch (error) {
        await this.kill();
        const portWasTaken = String(error).includes('already in use');
        if (!portWasTaken || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }

  private arguments(): string[] {
    return [
      '--no-defaults',
      ...asRoot(),
      `--datadir=${this.dataDirectory}`,
      '--bind-address=127.0.0.1',
      `--port=${this.port}`,
      `--socket=${join(this.directory, 'socket')}`,
      `--pid-file=${join(this.directory, 'pid')}`,
      `--log-error=${this.errorLog}`,
      `--tmpdir=${this.directory}`,
      '--skip-name-resolve',
      // Every test file has pools of its own, and they run side by side.
      '--max-connections=500',
      ...(this.options.arguments ?? []),
    ];
  }

  private get errorLog(): string {
    return join(this.directory, 'error.log');
  }

  private async answers(): Promise<boolean> {
    if (!this.process) {
      const log = await readFile(this.errorLog, 'utf8').catch(() => '');
      throw new Error(`mariadbd ended before it answered. The end of its log:\n${log.slice(-2000)}`);
    }
    try {
      const connection = await connectToServer(this.url);
      await connection.end();
      return true;
    } catch {
      return false;
    }
  }
}

/** Starts a private MariaDB server; installs MariaDB first if it is missing and this process may do so. */
export function startMariaDb(options?: MariaDbOptions): Promise<MariaDbServer> {
  return MariaDbServer.create(options);
}
