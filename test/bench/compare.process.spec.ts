import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunUsageError } from '../support/run-options.js';
import { compareFigures } from '../../bench/compare/compare.figures.js';
import { parseCompareOptions } from '../../bench/compare/compare.options.js';
import { describeMachine } from '../../bench/machine.js';
import { parseSpeedOptions } from '../../bench/speed/speed.options.js';
import { type SpeedReport, speedReport } from '../../bench/speed/speed.report.js';

describe('npm run bench:compare', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'mailing-compare-'))));
  afterEach(() => rm(folder, { recursive: true }));

  const stored = (): string => join(folder, 'stored.json');
  const compared = (fresh: string, ...args: string[]): Promise<{ code: number; output: string }> =>
    new Promise((resolve) => {
      const program = [
        '--import',
        'tsx/esm',
        'bench/compare/compare.process.ts',
        '--stored',
        stored(),
        ...args,
      ];
      const child = execFile(process.execPath, program, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
      );
      child.stdin?.end(fresh);
    });
  const written = (more: Partial<SpeedReport>): string =>
    `bare  1200 messages/s\n${JSON.stringify({ ...REPORT, ...more })}\n`;

  it('stores the first figures, reports regressions, and stores no others without --store', async () => {
    expect(await compared(written({}), '--store')).toMatchObject({ code: 0 });
    expect(await compared(written({}))).toMatchObject({ code: 0 });

    const worse = await compared(written({ bulkVsBare: 5 }));

    expect(worse.code).toBe(1);
    expect(worse.output).toContain('bulkVsBare: 8, now 5: worse by 38 %');
    expect(JSON.parse(await readFile(stored(), 'utf8'))).toMatchObject(REPORT);
  });

  it('reads the fresh figures from a file', async () => {
    const fresh = join(folder, 'fresh.txt');
    await writeFile(stored(), JSON.stringify(REPORT));
    await writeFile(fresh, written({ bulkVsBare: 9 }));

    expect(await compared('', '--fresh', fresh, '--store')).toMatchObject({ code: 0 });

    expect(JSON.parse(await readFile(stored(), 'utf8'))).toMatchObject({ bulkVsBare: 9 });
  });

  it('does not store partial figures over complete ones', async () => {
    await writeFile(stored(), JSON.stringify(REPORT));

    const part = await compared(written({ bulkVsBare: null }), '--store');

    expect(part.code).toBe(2);
    expect(part.output).toContain('bulkVsBare');
    expect(JSON.parse(await readFile(stored(), 'utf8'))).toMatchObject({ bulkVsBare: 8 });
  });

  it('has an exit code of its own if there is nothing to compare', async () => {
    expect(await compared(written({}))).toMatchObject({ code: 2 });
    await writeFile(stored(), JSON.stringify(REPORT));
    const nonsense = await compared('no figures\n');
    expect(nonsense.code).toBe(2);
    expect(nonsense.output).toContain('stdin');
    const other = await compared(written({ smtpConnections: 4 }));
    expect(other.code).toBe(2);
    expect(other.output).toContain('smtpConnections: 20, now 4');
  });
});

describe('compareFigures', () => {
  const worse = (more: Partial<SpeedReport>): string[] =>
    compareFigures(REPORT, { ...REPORT, ...more }, 0.15).regressions.map((one) => one.figure);

  it.each<[string, Partial<SpeedReport>, string[]]>([
    ['a rate that fell by more', { loadRowsPerSecond: 200_000 }, ['loadRowsPerSecond']],
    ['a rate that fell by less', { loadRowsPerSecond: 213_000 }, []],
    ['a rate that rose', { loadRowsPerSecond: 900_000 }, []],
    ['more processor time', { mailerCpuVsBare: 1.3 }, ['mailerCpuVsBare']],
    ['less of it', { mailerCpuVsBare: 0.5 }, []],
    ['a heap that grows by some KB more', { liveHeapGrowthMb: 0.9 }, []],
    ['a heap that grows by MB more', { liveHeapGrowthMb: 4 }, ['liveHeapGrowthMb']],
    ['a sender of ours that is slower', { medians: { bare: 1_200, bulk: 5_000 } }, ['medians.bulk']],
    ['one of others that is slower', { medians: { bare: 100, bulk: 9_600 } }, []],
    ['one of ours at more cost', { cpuSecondsPer1000: { bulk: 0.2 } }, ['cpuSecondsPer1000.bulk']],
  ])('finds regressions: %s', (_what, more, figures) => {
    expect(worse(more)).toEqual(figures);
  });

  it('reports missing figures and a different machine', () => {
    const machine = { ...REPORT.machine, cores: 64 };

    const { missing, otherMachine } = compareFigures(REPORT, { ...REPORT, bulkVsBare: null, machine }, 0.15);

    expect(missing).toEqual(['bulkVsBare']);
    expect(otherMachine).toEqual(['cores: 2, now 64']);
  });

  it('lists the worst regression first', () => {
    expect(worse({ bulkVsBare: 6, loadRowsPerSecond: 1_000 })).toEqual(['loadRowsPerSecond', 'bulkVsBare']);
  });
});

describe('the options of bench:compare', () => {
  it('are by default the stored figures, stdin and 15 %', () => {
    expect(parseCompareOptions([])).toEqual({
      stored: 'bench/figures.json',
      fresh: '-',
      threshold: 0.15,
      store: false,
    });
  });

  it.each([
    ['--percent', '0'],
    ['--stored', ''],
    ['--nonsense', '1'],
  ])('refuse %s "%s" with the name of the option', (option, value) => {
    const parsing = (): unknown => parseCompareOptions([option, value]);
    expect(parsing).toThrow(RunUsageError);
    expect(parsing).toThrow(option);
  });
});

const NOTHING = { contenders: new Map(), far: new Map(), measures: new Map() };
const REPORT: SpeedReport = {
  ...speedReport(parseSpeedOptions([]), NOTHING, { ...describeMachine('none'), cores: 2 }),
  mailerCpuVsBare: 1.1,
  bulkVsBare: 8,
  loadRowsPerSecond: 250_000,
  liveHeapGrowthMb: 0.2,
  medians: { bare: 1_200, bulk: 9_600 },
  cpuSecondsPer1000: { bulk: 0.1 },
};
