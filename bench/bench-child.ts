import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answers, ChildMessage, Question } from './answer-parent.js';

const READY_DEADLINE_MS = 60_000;
/** An orderly shutdown waits for messages in flight. */
const END_DEADLINE_MS = 20_000;

interface Waiting {
  resolve: (answer: unknown) => void;
  reject: (error: Error) => void;
}

/** A fresh Node process of one of the programs below this folder, which answers questions. */
export class BenchChild<A extends Answers<A>> {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #output = '';

  private constructor(program: string, settings: object, nodeOptions: string[]) {
    const path = fileURLToPath(new URL(program, import.meta.url));
    this.#child = fork(path, [JSON.stringify(settings)], {
      // `tsx` alone would load a second Nest for the package, which is CommonJS.
      execArgv: [...nodeOptions, '--import', 'tsx/esm'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (text: Buffer) => (this.#output = (this.#output + text.toString()).slice(-8_000)));
    }
    this.#child.on('message', (message: ChildMessage) => this.#hear(message));
    this.#child.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(this.#ended());
    });
  }

  /** @throws Error with the last lines of its output if it ends before it is ready. */
  static async start<T extends Answers<T>>(
    program: string,
    settings: object,
    nodeOptions: string[] = [],
  ): Promise<BenchChild<T>> {
    const child = new BenchChild<T>(program, settings, nodeOptions);
    const ready = once(child.#child, 'message', { signal: AbortSignal.timeout(READY_DEADLINE_MS) });
    const ended = once(child.#child, 'exit').then(() => Promise.reject(child.#ended()));
    await Promise.race([ready, ended]);
    return child;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  ask<K extends keyof A & string>(name: K, ...[facts]: Parameters<A[K]>): Promise<Awaited<ReturnType<A[K]>>> {
    const question: Question = { id: this.#nextId++, name, facts };
    return new Promise((resolve, reject) => {
      this.#waiting.set(question.id, { resolve: resolve as Waiting['resolve'], reject });
      this.#child.send(question, (error) => error && reject(error));
    });
  }

  /** Shuts it down; kills it if that takes too long. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), END_DEADLINE_MS);
    await gone;
    clearTimeout(force);
  }

  /** Kills it at once. */
  async kill(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  #hear(message: ChildMessage): void {
    if ('ready' in message) return;
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error === undefined) waiting?.resolve(message.answer);
    else waiting?.reject(new Error(message.error));
  }

  #ended(): Error {
    return new Error(`Process ${this.pid} of the bench has ended:\n${this.#output}`);
  }
}
