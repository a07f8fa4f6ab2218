import { readFile, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { RunUsageError } from '../../test/support/run-options.js';
import { compareFigures, type Comparison, type Regression } from './compare.figures.js';
import type { CompareOptions } from './compare.options.js';
import type { SpeedReport } from '../speed/speed.report.js';

/** Compares a run with the stored one. @returns the exit code. */
export async function compare(options: CompareOptions, say: (line: string) => void): Promise<number> {
  const { stored: file, store } = options;
  const fresh = reportOf(await read(options.fresh), options.fresh);
  const storedText = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && store) return null;
    throw error;
  });
  if (storedText === null) return keep(file, fresh, say);
  const comparison = compareFigures(reportOf(storedText, file), fresh, options.threshold);
  for (const line of linesOf(comparison, options.threshold)) say(line);
  const { missing, otherSettings, regressions, numCompared } = comparison;
  if (store) {
    if (missing.length > 0) {
      say(`Not stored: ${missing.join(', ')} not measured. Store a run of the whole bench.`);
      return 2;
    }
    await keep(file, fresh, say);
  }
  if (numCompared === 0 && !(store && otherSettings.length > 0)) return 2;
  return regressions.length > 0 ? 1 : 0;
}

async function keep(file: string, report: SpeedReport, say: (line: string) => void): Promise<number> {
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
  say(`Stored in ${file}.`);
  return 0;
}

function read(file: string): Promise<string> {
  return file === '-' ? text(process.stdin) : readFile(file, 'utf8');
}

/** Either a stored object, or output of the bench with such an object as its last line. */
function reportOf(content: string, file: string): SpeedReport {
  for (const json of [content, content.trimEnd().split('\n').at(-1) ?? '']) {
    try {
      const report = JSON.parse(json) as SpeedReport | null;
      if (report?.bench === 'speed') return report;
    } catch {
      // The other way to read it may do.
    }
  }
  throw new RunUsageError(
    `${file === '-' ? 'stdin' : file}: expected what "npm run bench -- --json" writes, with one JSON object as its last line.`,
  );
}

function* linesOf(comparison: Comparison, threshold: number): Iterable<string> {
  const { regressions, numCompared, missing, otherSettings, otherMachine } = comparison;
  if (otherSettings.length > 0) yield `Nothing to compare, other settings: ${otherSettings.join('; ')}.`;
  if (otherMachine.length > 0) yield `Another machine, which may be the reason: ${otherMachine.join('; ')}.`;
  if (missing.length > 0) yield `Not measured this time: ${missing.join(', ')}.`;
  for (const one of regressions) yield lineOf(one);
  yield `${numCompared} figures compared, ${regressions.length} worse by more than ${Math.round(threshold * 100)} %.`;
}

function lineOf({ figure, stored, fresh, by }: Regression): string {
  return `${figure}: ${stored}, now ${fresh}: worse by ${Math.round(by * 100)} %`;
}
