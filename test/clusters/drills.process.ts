import { chmod, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reaper } from '../support/reaper.js';
import { RunUsageError } from '../support/run-options.js';
import { type DrillsOptions, parseDrillsOptions } from './drills.options.js';
import { type DrillsReport, DrillsSession, isKept } from './drills.session.js';

/** The exit code of shells after Ctrl-C. */
const INTERRUPTED = 130;

/** `npm run test:clusters`: drills on private clusters for so many minutes. */
async function session(options: DrillsOptions, stop: AbortSignal): Promise<DrillsReport> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const folder = await mkdtemp(join(tmpdir(), 'mailing-clusters-'));
  // Servers that do not run as root must reach their folders in it.
  await chmod(folder, 0o711);
  const reaper = new Reaper(folder);
  process.env.TMPDIR = folder;
  if (options.logs) await mkdir(options.logs, { recursive: true });
  try {
    const until = performance.now() + options.minutes * 60_000;
    say(`Drills on ${options.topologies.join(', ')}, seed ${options.seed}.`);
    return await DrillsSession.run({
      ...options,
      folder: options.logs ?? folder,
      stop,
      say,
      watch: { started: (pid) => reaper.watch(pid), ended: (pid) => reaper.forget(pid) },
      goOn: () => !stop.aborted && performance.now() < until,
    });
  } finally {
    await reaper.reap();
  }
}

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt.abort());
try {
  const options = parseDrillsOptions(process.argv.slice(2));
  const report = await session(options, interrupt.signal);
  const kept = isKept(report);
  if (report.notRun.length > 0) process.stderr.write(`No time for: ${report.notRun.join(', ')}.\n`);
  process.stderr.write(kept ? 'The promise held.\n' : 'THE PROMISE WAS BROKEN, or nothing was tried.\n');
  if (report.faults.length > 0) process.stderr.write('The suite itself failed, so this is no proof.\n');
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  process.exitCode = interrupt.signal.aborted ? INTERRUPTED : report.faults.length > 0 ? 2 : kept ? 0 : 1;
} catch (error) {
  const isUsage = error instanceof RunUsageError;
  process.stderr.write(`${isUsage ? error.message : String((error as Error)?.stack)}\n`);
  process.exitCode = 2;
}
