import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { HostReport } from '../report-to-parent.js';

/** The service, compiled, beside this file. */
const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const START_DEADLINE_MS = 60_000;

/** The newsletter service as a process of its own, which can be killed. */
export class HostProcess {
  /** Where it listens. */
  url = '';
  readonly #child: ChildProcess;
  readonly #reports = new EventEmitter();
  #output = '';

  private constructor(env: Record<string, string>, main: string) {
    this.#child = fork(main, [], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (text: Buffer) => (this.#output = (this.#output + text.toString()).slice(-8_000)));
    }
    this.#child.on('message', (report: HostReport) => this.#reports.emit(report.name, report.facts));
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
    const host = new HostProcess(env, main);
    listen(host);
    const ended = once(host.#child, 'exit').then(([code]) => {
      throw new Error(`The service ended with ${String(code)} before it listened:\n${host.#output}`);
    });
    const deadline = AbortSignal.timeout(START_DEADLINE_MS);
    const [{ url }] = (await Promise.race([
      once(host.#reports, 'listening', { signal: deadline }),
      ended,
    ])) as [{ url: string }];
    // Not an accident any more from here on.
    ended.catch(() => undefined);
    host.url = url;
    return host;
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

  /** Resolves when the process is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (!this.isRunning) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
  }
}
