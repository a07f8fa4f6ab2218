import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { MailingHealthReport } from 'nestjs-mailing';
import { builtProgram } from '../../support/hosts/built-program.js';
import { waitUntil } from '../../support/wait-until.js';

const MAIN = builtProgram('cluster.process');
const WORKERS = 4;

interface WorkerReport {
  pid: number;
  name: string;
  facts: Record<string, unknown>;
}

/** Four workers of one configuration under Node's `cluster`. */
export class WorkerCluster {
  readonly #reports: WorkerReport[] = [];
  readonly #primary: ChildProcess;

  constructor(env: Record<string, string>) {
    this.#primary = fork(MAIN, [], { execArgv: [], env: { ...process.env, ...env }, stdio: 'ignore' });
    this.#primary.on('message', (report: WorkerReport) => this.#reports.push(report));
  }

  /** The pids of workers that reported this, in order, once for each report. */
  pidsOf(name: string): number[] {
    return this.#reports.filter((report) => report.name === name).map(({ pid }) => pid);
  }

  /** The facts of the first report of this. */
  firstOf(name: string): Promise<Record<string, unknown>> {
    return waitUntil(() => this.#reports.find((report) => report.name === name)?.facts, {
      what: `a report ${name}`,
      deadlineMs: 20_000,
    });
  }

  async listening(): Promise<void> {
    await waitUntil(() => this.pidsOf('listening').length === WORKERS, {
      what: 'all workers to listen',
      deadlineMs: 30_000,
    });
  }

  /** The health reports of living workers, once so many have answered. */
  async health(expected: number): Promise<Map<number, MailingHealthReport>> {
    const before = this.#reports.length;
    this.#primary.send('health');
    const answers = (): WorkerReport[] => this.#reports.slice(before).filter(({ name }) => name === 'health');
    await waitUntil(() => answers().length === expected, { what: `the health of ${expected} workers` });
    return new Map(
      answers().map(({ pid, facts }) => [pid, facts as unknown as MailingHealthReport] as const),
    );
  }

  /** Workers do not outlive their primary. */
  async kill(): Promise<void> {
    if (this.#primary.exitCode !== null || this.#primary.signalCode !== null) return;
    this.#primary.kill('SIGKILL');
    await once(this.#primary, 'exit');
    const isRunning = (pid: number): boolean => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    const pids = new Set(this.pidsOf('listening'));
    await waitUntil(() => ![...pids].some(isRunning), { what: 'the workers to end', deadlineMs: 20_000 });
  }
}
