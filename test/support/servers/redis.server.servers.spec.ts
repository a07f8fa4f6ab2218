import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canHaveRedis } from './redis.programs.js';
import { type RedisServer, startRedis } from './redis.server.js';
import { assertEndsWithItsStarter } from './orphan.js';

describe.skipIf(!(await canHaveRedis()))('RedisServer', () => {
  let server: RedisServer;

  beforeEach(async () => {
    server = await startRedis();
  });
  afterEach(() => server.stop());

  it('listens on loopback and persists nothing', async () => {
    expect(new URL(server.url).hostname).toBe('127.0.0.1');
    expect(await server.command('CONFIG', 'GET', 'bind')).toEqual(['bind', '127.0.0.1']);
    expect(await server.command('CONFIG', 'GET', 'save')).toEqual(['save', '']);
    expect(await server.command('CONFIG', 'GET', 'appendonly')).toEqual(['appendonly', 'no']);
  });

  it('restarts after a kill, on the same URL and empty', async () => {
    const { url, pid } = server;
    await server.command('SET', 'key', 'value');

    await server.kill();
    expect(server.pid).toBeUndefined();
    await expect(server.command('PING')).rejects.toThrow();
    await server.start();

    expect(server.url).toBe(url);
    expect(server.pid).not.toBe(pid);
    expect(await server.command('GET', 'key')).toBeNull();
  });

  it('leaves no process behind', async () => {
    const pid = server.pid!;
    await server.stop();

    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('ends with the process that started it, even if that is killed', async () => {
    await expect(assertEndsWithItsStarter('redis.server.ts', 'startRedis')).resolves.toBeUndefined();
  });
});
