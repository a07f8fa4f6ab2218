import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

/**
 * Sees to it that processes and directories of a test run are gone after it, also when the run itself is killed.
 *
 * The work is done by a process of its own: an exit handler would not run after SIGKILL.
 */
export class Reaper {
  private readonly process: ChildProcess;

  constructor(...directories: string[]) {
    const script = fileURLToPath(new URL('./reaper.process.mjs', import.meta.url));
    // In a process group of its own, or Ctrl-C in the terminal would end it before its work.
    this.process = spawn(process.execPath, [script, ...directories], {
      detached: true,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    // Neither the process nor the pipe keeps a script alive that has nothing else to do.
    this.process.unref();
    (this.process.stdin as Socket).unref();
  }

  watch(pid: number): void {
    this.process.stdin?.write(`+${pid}\n`);
  }

  forget(pid: number): void {
    this.process.stdin?.write(`-${pid}\n`);
  }

  /** Kills what is still watched, removes the directories, and resolves when that is done. */
  async reap(): Promise<void> {
    if (this.process.exitCode !== null) return;
    this.process.ref();
    const gone = once(this.process, 'exit');
    this.process.stdin?.end();
    await gone;
  }
}
