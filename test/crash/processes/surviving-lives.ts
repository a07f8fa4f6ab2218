import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { builtProgram } from '../../support/hosts/built-program.js';

const SURVIVING_LIVES = builtProgram('surviving-lives.process');

/** One process for all lives of a test file that end by themselves. It starts with the first of them. */
export class SurvivingLives {
  #child: ChildProcess | null = null;
  #exited: Promise<string>;
  #output = '';

  /** @returns how the life ended: `lived`, or what is wrong. */
  async live(env: Record<string, string>, deadlineMs: number): Promise<string> {
    const child = (this.#child ??= this.#start());
    this.#output = '';
    child.send(env);
    const signal = AbortSignal.timeout(deadlineMs);
    const answer = once(child, 'message', { signal }).then(([end]) => String(end));
    const end = await Promise.race([answer, this.#exited]).catch(() => `not within ${deadlineMs} ms`);
    if (end === 'lived') return end;
    this.stop();
    return `${end}\n${this.#output}`;
  }

  stop(): void {
    this.#child?.kill('SIGKILL');
    this.#child = null;
  }

  #start(): ChildProcess {
    const child = fork(SURVIVING_LIVES, { execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (text: Buffer) => (this.#output += text.toString()));
    }
    this.#exited = once(child, 'exit').then(() => 'the process ended');
    return child;
  }
}
