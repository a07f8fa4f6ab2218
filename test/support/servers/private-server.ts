import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../network/free-port.js';
import { Reaper } from '../reaper.js';
import { suspend } from '../suspended-process.js';
import { waitUntil } from '../wait-until.js';

/** Another process may take the free port before the server does. */
const PORT_ATTEMPTS = 5;
const START_DEADLINE_MS = 60_000;

/** A new directory for a private server. */
export function serverDirectory(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `mailing-${name}-`));
}

/**
 * A private server: own data directory and port, on loopback only.
 *
 * It ends with `stop()`, and when the process that started it ends in any other way.
 */
export abstract class PrivateServer {
  protected port = 0;
  private process: ChildProcess | undefined;
  protected readonly reaper: Reaper;

  protected constructor(
    private readonly program: string,
    protected readonly directory: string,
  ) {
    this.reaper = new Reaper(directory);
  }

  /** Without the name of a database. */
  abstract get url(): string;

  protected abstract arguments(): string[];

  /** @throws Error while it does not answer. */
  protected abstract greet(): Promise<void>;

  /** The signal for a shutdown that does not wait for clients. */
  protected abstract readonly orderlySignal: NodeJS.Signals;

  /** Whether its log says that the same start may succeed a little later. */
  protected mayStartLater(_log: string): boolean {
    return false;
  }

  protected get spawnOptions(): SpawnOptions {
    return {};
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
    await waitUntil(() => this.comesUp(), {
      what: `${this.program} to answer`,
      deadlineMs: START_DEADLINE_MS,
    });
  }

  /** Ends the process, at once or in an orderly way, and waits for its end. Keeps the data. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.process;
    if (!child) return;
    const gone = once(child, 'exit');
    child.ref();
    child.kill(signal);
    await gone;
  }

  /** Freezes the process: it keeps its connections open and answers none. Resolves when no thread of it runs any more. */
  async freeze(): Promise<void> {
    if (this.pid) await suspend(this.pid);
  }

  thaw(): void {
    if (this.pid) process.kill(this.pid, 'SIGCONT');
  }

  /** Shuts the server down and removes its data. */
  async stop(): Promise<void> {
    // Frozen, it would not take the signal.
    this.thaw();
    await this.kill(this.orderlySignal);
    await this.reaper.reap();
  }

  /** Starts it on a free port, after creating its data. A failure leaves nothing behind. */
  protected async startAfter(makeData?: () => Promise<void>): Promise<this> {
    try {
      await makeData?.();
      await this.startOnFreePort();
      return this;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** The end of its log since the last start. */
  async endOfLog(): Promise<string> {
    return (await readFile(this.log, 'utf8').catch(() => '')).slice(-2000);
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

  private async comesUp(): Promise<boolean> {
    if (!this.process) await this.spawn();
    try {
      await this.greet();
      return true;
    } catch {
      if (this.process) return false;
      const log = await this.endOfLog();
      if (this.mayStartLater(log)) return false;
      throw new Error(`${this.program} ended before it answered. The end of its log:\n${log}`);
    }
  }

  private async spawn(): Promise<void> {
    const log = await open(this.log, 'w');
    const child = spawn(this.program, this.arguments(), {
      ...this.spawnOptions,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    // At once: this process may be killed before it goes on.
    if (child.pid !== undefined) this.reaper.watch(child.pid);
    try {
      await once(child, 'spawn');
    } finally {
      await log.close();
    }
    const pid = child.pid!;
    this.process = child;
    child.once('exit', () => {
      this.process = undefined;
      this.reaper.forget(pid);
    });
    // The server must not keep a script alive; the reaper ends it then.
    child.unref();
  }

  private get log(): string {
    return join(this.directory, 'server.log');
  }
}
