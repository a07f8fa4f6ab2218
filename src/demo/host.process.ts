import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { HostReport } from '../report-to-parent.js';

/** The compiled service, in the folder above. */
const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const START_DEADLINE_MS = 60_000;

/** The newsletter service as a process of its own, which can be killed. */
export class HostProcess {
  /** The URL of the service; empty until it listens. */
  url = '';
  /** Resolves when the process has ended, with the signal that ended it; null if it exited by itself. */
  readonly exited: Promise<NodeJS.Signals | null>;
  readonly #child: ChildProcess;
  readonly #reports = new EventEmitter();
  #output = '';

  private constructor(env: Record<string, string>, main: string) {
    this.#child = fork(main, [], {
      // A loader or an inspector of this process is not passed on to the service.
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

  /** Starts the service without waiting. */
  static launch(env: Record<string, string>, main = MAIN): HostProcess {
    return new HostProcess(env, main);
  }

  /**
   * Starts the service and waits until it listens.
   *
   * @param listen called before the first report, to add listeners.
   * @throws Error with the last lines of its output if it ends before that, or takes more than a minute.
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
   * @throws Error with the last lines of its output if it ends before that, or takes more than a minute.
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

  /** The last lines of its output. */
  get output(): string {
    return this.#output;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Sends a signal without waiting. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends the signal. Resolves when the process has ended. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (!this.isRunning) return;
    this.signal(signal);
    await this.exited;
  }

  get #ending(): string {
    return String(this.#child.exitCode ?? this.#child.signalCode);
  }
}
