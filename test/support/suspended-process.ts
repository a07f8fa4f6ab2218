import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { waitUntil } from './wait-until.js';

/**
 * Sends SIGSTOP, and resolves when the process does no more work, or has ended.
 *
 * `kill` returns before: the signal waits for a thread that the kernel lets run, and on a busy machine the other threads go on
 * meanwhile.
 */
export async function suspend(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGSTOP');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
    throw error;
  }
  await waitUntil(() => isSuspended(pid), { what: `process ${pid} to stop` });
}

async function isSuspended(pid: number): Promise<boolean> {
  const states = existsSync('/proc/self/task') ? await threadStates(pid) : await processStates(pid);
  return states.every((state) => state === 'T' || state === 'Z');
}

/** Of each thread: the first that stops is not the last. */
async function threadStates(pid: number): Promise<string[]> {
  const threads = await unlessEnded(readdir(`/proc/${pid}/task`), []);
  const stats = await Promise.all(
    threads.map((thread) => unlessEnded(readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8'), ') Z')),
  );
  // The name of the program, in parentheses before the state, may contain any character.
  return stats.map((stat) => stat.slice(stat.lastIndexOf(')') + 2)[0] ?? '');
}

async function processStates(pid: number): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'state=', '-p', String(pid)]);
  return [stdout.trim()[0] ?? 'Z'];
}

async function unlessEnded<T>(reading: Promise<T>, ended: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return ended;
    throw error;
  }
}
