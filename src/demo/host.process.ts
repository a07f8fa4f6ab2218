import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { HostReport } from '../report-to-parent.js';

/** The service, compiled, beside this file. */
const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const START_DEADLINE_MS = 60_000;

/** The newsletter service as a process of its own, which can be killed. */
export class HostProcess {
  /** Where it listens; empty before. */
  url = '';
  /** Resolves when the process is gone, with the signal that ended it; null if it ended of its own accord. */
  readonly exited: Promise<NodeJS.Signals | null>;
  readonly #child: ChildProcess;
  readonly #reports = new EventEmitter();
  #output = '';

  private constructor(env: Record<string, string>, main: string) {
    this.#child = fork(main, [], {
      // What this process was started with, a loader or an inspector, is not for the service.
      execArgv: [],
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8');
      stream?.on('data', (text: string) => (this.#output = (this.#output + text).slice(-8_000)));
    }
    this.#child.on('message', (report: HostReport) => this.#reports.emit(report.name, report.facts));
    this.on('listening', ({ url }) => (this.url = url));
    this.exited = once(this.#child, 'exit').then((values) => (values as [unknown, NodeJS.Signals | null])[1]);
  }

  /** Starts the service and waits for nothing. */
  static launch(env: Record<string, string>, main = MAIN): HostProcess {
    return new HostProcess(env, main);
  }

  /**
   * Starts the service and waits until it listens.
   *
   * @param listen called before anything is reported, to put listeners on.
   * @throws Error with the last lines of its output if it ends before, or takes more than a minute.
   */
  static async start(
    env: Record<string, string>,
    listen: (host: HostProcess) => void = () => undefined,
    main = MAIN,
  ): Promise<HostProcess> {
    const host = HostProcess.launch(env, main);
    listen(host);
    await host.listening();
    return host;
  }

  /**
   * Waits until the service listens.
   *
   * @throws Error with the last lines of its output if it ends before, or takes more than a minute.
   */
  async listening(): Promise<void> {
    if (this.url) return;
    const ended = this.exited.then(() => {
      throw new Error(`The service ended with ${this.#ending} before it listened:\n${this.#output}`);
    });
    const deadline = AbortSignal.timeout(START_DEADLINE_MS);
    const listening = once(this.#reports, 'listening', { signal: deadline });
    await Promise.race([listening, ended]);
  }

  on<N extends HostReport['name']>(
    name: N,
    listener: (facts: Extract<HostReport, { name: N }>['facts']) => void,
  ): void {
    this.#reports.on(name, listener);
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The last lines it wrote. */
  get output(): string {
    return this.#output;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Sends a signal and waits for nothing. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves when the process is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (!this.isRunning) return;
    this.signal(signal);
    await this.exited;
  }

  get #ending(): string {
    return String(this.#child.exitCode ?? this.#child.signalCode);
  }
}
