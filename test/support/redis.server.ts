import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './free-port.js';
import { Reaper } from './reaper.js';
import { canHaveRedis, redisProgram } from './redis.programs.js';
import { waitUntil } from './wait-until.js';

/** The variable that names a Redis server for tests that do not kill it. They use key prefixes of their own. */
const TEST_REDIS_URL = 'MAILING_TEST_REDIS_URL';

/** Another process may take the free port before the server does. */
const PORT_ATTEMPTS = 5;

/**
 * A private Redis server: own port and folder, on loopback only, and nothing is kept, so it is empty after each start.
 *
 * It is gone after `stop()`, and also when the process that started it ends in any other way.
 */
export class RedisServer {
  private process: ChildProcess | undefined;
  private port = 0;

  private constructor(
    private readonly program: string,
    private readonly directory: string,
    private readonly reaper: Reaper,
  ) {}

  static async create(): Promise<RedisServer> {
    const program = await redisProgram();
    const directory = await mkdtemp(join(tmpdir(), 'mailing-redis-'));
    const server = new RedisServer(program, directory, new Reaper(directory));
    try {
      await server.startOnFreePort();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** `undefined` while the server is down. */
  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** Starts it again after `kill()`, empty, on the same port. Resolves when it answers. */
  async start(): Promise<void> {
    if (this.process) return;
    const child = spawn(this.program, this.arguments(), {
      argv0: 'redis-server',
      cwd: this.directory,
      detached: true,
      stdio: 'ignore',
    });
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
    await waitUntil(() => this.answers(), { what: 'Redis to answer', deadlineMs: 20_000 });
  }

  /** Ends the process and waits until it is gone; what it held is lost. */
  async kill(): Promise<void> {
    const child = this.process;
    if (!child) return;
    const gone = once(child, 'exit');
    child.ref();
    child.kill('SIGKILL');
    await gone;
  }

  /** Stops the process where it is: it holds its connections and answers nobody. */
  freeze(): void {
    this.process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.process?.kill('SIGCONT');
  }

  /** One command, on a connection of its own. */
  async command(name: string, ...words: (string | number)[]): Promise<unknown> {
    const client = new Redis(this.url, { retryStrategy: () => null, connectTimeout: 2_000 });
    client.on('error', () => {});
    try {
      return await client.call(name, ...words);
    } finally {
      client.disconnect();
    }
  }

  /** Ends the server and removes its folder. */
  async stop(): Promise<void> {
    await this.kill();
    await this.reaper.reap();
  }

  private async startOnFreePort(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      this.port = await freePort();
      try {
        return await this.start();
      } catch (error) {
        await this.kill();
        const portWasTaken = String(error).includes('Address already in use');
        if (!portWasTaken || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }

  private arguments(): string[] {
    const options = {
      bind: '127.0.0.1',
      port: String(this.port),
      dir: this.directory,
      logfile: this.log,
      save: '',
      appendonly: 'no',
      daemonize: 'no',
    };
    return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  }

  private get log(): string {
    return join(this.directory, 'redis.log');
  }

  private async answers(): Promise<boolean> {
    if (!this.process) {
      const log = await readFile(this.log, 'utf8').catch(() => '');
      throw new Error(`redis-server ended before it answered. The end of its log:\n${log.slice(-2000)}`);
    }
    return this.command('PING').then(
      () => true,
      () => false,
    );
  }
}

/** Starts a private Redis server; installs Redis first if it is missing and this process may do so. */
export function startRedis(): Promise<RedisServer> {
  return RedisServer.create();
}

/** A server that is only used: the given one, or a private one that `stop` ends. */
export async function anyRedis(): Promise<{ url: string; stop(): Promise<void> }> {
  const url = process.env[TEST_REDIS_URL];
  return url ? { url, stop: async () => {} } : startRedis();
}

/** Whether `anyRedis` has a chance. */
export async function canUseRedis(): Promise<boolean> {
  return process.env[TEST_REDIS_URL] !== undefined || (await canHaveRedis());
}
