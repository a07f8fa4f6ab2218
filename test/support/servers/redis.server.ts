import type { SpawnOptions } from 'node:child_process';
import { Redis } from 'ioredis';
import { PrivateServer, serverDirectory } from './private-server.js';
import { canHaveRedis, redisProgram } from './redis.programs.js';

/** The variable that names a Redis server for tests that do not kill it. They use key prefixes of their own. */
const TEST_REDIS_URL = 'MAILING_TEST_REDIS_URL';

/** Persistence is off, so it is empty after each start. */
export class RedisServer extends PrivateServer {
  // SIGKILL: there is nothing to save, and a frozen server takes no other signal.
  protected readonly orderlySignal = 'SIGKILL';

  static async create(): Promise<RedisServer> {
    const program = await redisProgram();
    const server = new RedisServer(program, await serverDirectory('redis'));
    return server.startAfter();
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
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

  protected override get spawnOptions(): SpawnOptions {
    return { argv0: 'redis-server', cwd: this.directory };
  }

  protected arguments(): string[] {
    const options = {
      bind: '127.0.0.1',
      port: String(this.port),
      dir: this.directory,
      save: '',
      appendonly: 'no',
      daemonize: 'no',
    };
    return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  }

  protected async greet(): Promise<void> {
    await this.command('PING');
  }
}

/** Starts a private Redis server; installs Redis first if it is missing and this process may do so. */
export function startRedis(): Promise<RedisServer> {
  return RedisServer.create();
}

/** A shared server: the given one, or a private one that `stop` ends. */
export async function anyRedis(): Promise<{ url: string; stop(): Promise<void> }> {
  const url = process.env[TEST_REDIS_URL];
  return url ? { url, stop: async () => {} } : startRedis();
}

/** Whether `anyRedis` has a chance. */
export async function canUseRedis(): Promise<boolean> {
  return process.env[TEST_REDIS_URL] !== undefined || (await canHaveRedis());
}
