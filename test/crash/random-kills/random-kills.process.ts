import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reaper } from '../../support/reaper.js';
import { RunUsageError } from '../../support/run-options.js';
import { startTestServers } from '../../support/databases/test-servers.js';
import { parseRandomKillsOptions, type RandomKillsOptions } from './random-kills.options.js';
import { isKept, randomKills, type RandomKillsReport } from './random-kills.session.js';

/** The exit code of shells after Ctrl-C. */
const INTERRUPTED = 130;

/** `npm run test:crash`: random kills for so many minutes, on a private database server unless one is given. */
async function session(options: RandomKillsOptions, stop: AbortSignal): Promise<RandomKillsReport> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const stopServers = await startTestServers(options.database === 'sqlite' ? [] : [options.database]);
  const folder = await mkdtemp(join(tmpdir(), 'mailing-crash-'));
  const reaper = new Reaper(folder);
  process.env.TMPDIR = folder;
  process.env.XDG_STATE_HOME = folder;
  try {
    const until = performance.now() + options.minutes * 60_000;
    const { database, recipients, servers, bulkSmtp, journal, seed } = options;
    say(`Random kills on ${database}, ${servers} server(s), seed ${seed}.`);
    return await randomKills({
      database,
      recipients,
      servers,
      bulkSmtp,
      journal,
      seed,
      stop,
      say,
      watch: { started: (pid) => reaper.watch(pid), ended: (pid) => reaper.forget(pid) },
      goOn: () => !stop.aborted && performance.now() < until,
    });
  } finally {
    await stopServers();
    await reaper.reap();
  }
}

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt.abort());
try {
  const options = parseRandomKillsOptions(process.argv.slice(2));
  const report = await session(options, interrupt.signal);
  const kept = isKept(report);
  for (const complaint of report.complaints) process.stderr.write(`${complaint}\n`);
  process.stderr.write(kept ? 'The promise held.\n' : 'THE PROMISE WAS BROKEN, or nothing was tried.\n');
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  process.exitCode = interrupt.signal.aborted ? INTERRUPTED : kept ? 0 : 1;
} catch (error) {
  const isUsage = error instanceof RunUsageError;
  process.stderr.write(`${isUsage ? error.message : String((error as Error)?.stack)}\n`);
  process.exitCode = 2;
}
