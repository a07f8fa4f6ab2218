import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitUntil } from '../wait-until.js';
import { SERVER_KINDS, type ServerKind } from './database-kinds.js';
import { SERVER_VARIABLES } from './test-database-url.js';

/** A test run in miniature: the broker, and one test that asks it for a server. */
const runWith = (kind: ServerKind): string => `
  const { ServerBroker } = await import('./test/support/databases/server-broker.ts');
  const { testDatabaseUrl } = await import('./test/support/databases/test-database-url.ts');
  await ServerBroker.start();
  console.log(await testDatabaseUrl('${kind}'));
  setInterval(() => undefined, 60_000);`;

/** Kills the run as soon as it has spawned the server, before its own code hears of it. */
const KILLED_AT_SPAWN = `
  const { default: processes } = await import('node:child_process');
  const { syncBuiltinESMExports } = await import('node:module');
  const { spawn } = processes;
  processes.spawn = (file, words, options) => {
    const isServer = !words.some((word) => word.includes('reaper.process'));
    if (isServer) queueMicrotask(() => process.kill(process.pid, 'SIGKILL'));
    return spawn(file, words, options);
  };
  syncBuiltinESMExports();`;

describe('a test run that is aborted', () => {
  let directory: string;
  let run: ChildProcess;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'run-'));
    // A server that may not run as root has its folder in there.
    await chmod(directory, 0o711);
  });
  afterEach(async () => {
    if (run.exitCode === null && run.signalCode === null) await abort('SIGKILL');
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
  });

  it.each([
    ['mariadb', 'SIGKILL'],
    ['mysql', 'SIGKILL'],
    ['postgres', 'SIGKILL'],
    ['postgres', 'SIGINT'],
  ] as const)('leaves nothing behind of a %s that answers, after a %s', async (kind, signal) => {
    begin(kind);
    await once(run.stdout!, 'data');
    expect(await serverProcesses()).not.toEqual([]);
    await abort(signal);
    await expect(allGone()).resolves.toBeUndefined();
  });

  it.each(SERVER_KINDS)('leaves nothing behind of a %s that is being made', async (kind) => {
    begin(kind);
    await waitUntil(async () => (await serverProcesses()).length > 0, { what: 'a process of the server' });
    await abort('SIGKILL');
    await expect(allGone()).resolves.toBeUndefined();
  });

  it('leaves nothing behind of a server whose process has just begun', async () => {
    begin('mariadb', KILLED_AT_SPAWN);
    await once(run, 'exit');
    await expect(allGone()).resolves.toBeUndefined();
  });

  function begin(kind: ServerKind, before = ''): void {
    const env: NodeJS.ProcessEnv = { ...process.env, TMPDIR: directory };
    // A server that the run was given would be taken.
    for (const variable of Object.values(SERVER_VARIABLES)) delete env[variable];
    // A process group of its own, as a run in a terminal has.
    run = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', before + runWith(kind)], {
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  /** Ctrl-C reaches the whole group of the run; SIGKILL is for its first process alone. */
  async function abort(signal: 'SIGKILL' | 'SIGINT'): Promise<void> {
    const gone = once(run, 'exit');
    const pid = run.pid!;
    process.kill(signal === 'SIGINT' ? -pid : pid, signal);
    await gone;
  }

  async function allGone(): Promise<void> {
    const isGone = async (): Promise<boolean> => (await serverProcesses()).length === 0;
    await waitUntil(isGone, { what: 'the processes of the server to be gone', deadlineMs: 20_000 });
    const isEmpty = async (): Promise<boolean> => (await serverFolders()).length === 0;
    await waitUntil(isEmpty, { what: 'the folder of the server to be gone' });
  }

  /** The command lines that name a file of this run. */
  async function serverProcesses(): Promise<string[]> {
    const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'args=']);
    return stdout.split('\n').filter((line) => line.includes(directory) && !line.includes('reaper.process'));
  }

  /** The broker's own folder holds its socket alone; the directory of a real run goes as a whole. */
  async function serverFolders(): Promise<string[]> {
    return (await readdir(directory)).filter((name) => /^mailing-(?!broker-)/.test(name));
  }
});
