import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { describeMachine } from '../../bench/machine.js';
import { RunUsageError } from '../support/run-options.js';
import { parseSpeedOptions } from '../../bench/speed/speed.options.js';
import { speedOn } from '../../bench/speed/speed.session.js';
import { linesOf } from '../../bench/speed/speed.lines.js';
import {
  type SpeedReport,
  type SpeedResults,
  type SpeedRound,
  speedReport,
} from '../../bench/speed/speed.report.js';

const run = promisify(execFile);
const CONTENDERS = ['bare', 'mailer', 'bulk', 'bulk-journal', 'bullmq', 'pg-boss', 'limit'];

describe('npm run bench', () => {
  it(
    'lets all contenders send the same, and prints its figures as JSON in the last line',
    { timeout: 300_000 },
    async () => {
      const report = await runBench(['--only', 'contenders', '--recipients', '200']);

      expect(report).toMatchObject({ bench: 'speed', recipients: 200, rounds: 1, smtpConnections: 4 });
      expect(Object.keys(report.medians)).toEqual(CONTENDERS);
      expect(Math.min(...Object.values(report.medians))).toBeGreaterThan(0);
      expect(report.mailerVsBare).toBeGreaterThan(0);
      expect(report.bulkJournalVsBare).toBeGreaterThan(0);
      expect(report.bulkJournalVsLimit).toBeGreaterThan(0);
      expect(report.statementsPer1000Messages).toBeGreaterThan(0);
      const { limit, ...senders } = report.bytesPerMessage;
      // The same message to the same readers: only its encoding, a header, and a greeting for each connection differ. Bytes are
      // counted on Linux only.
      const bytes = Object.values(senders).map((one) => one ?? 1);
      expect(Math.max(...bytes) / Math.min(...bytes)).toBeLessThan(1.15);
      expect(limit === null).toBe(process.platform !== 'linux');
    },
  );

  it('sends to a distant server, and measures the plugin alone', { timeout: 300_000 }, async () => {
    const far = ['--far-recipients', '40', '--far-ms', '5', '--max-in-doubt', '20'];
    const lists = ['--list-recipients', '1000', '--progress-recipients', '2500'];

    const report = await runBench(['--only', 'far,load,progress,heap,resume', ...far, ...lists]);

    expect(Object.keys(report.medians)).toEqual(['far-bare', 'far-bulk']);
    expect(report.far20msVsBare).toBeGreaterThan(0);
    expect(report.loadRowsPerSecond).toBeGreaterThan(0);
    expect(report.settledPerSecond).toBeGreaterThan(0);
    expect(report.liveHeapGrowthMb).toEqual(expect.any(Number));
    expect(report.resumeFirstMessageMs).toBeGreaterThanOrEqual(0);
    expect(report).toMatchObject({ mailerVsBare: null, bulkJournalVsBare: null });
  });

  it('uses a mail sink in Node, and measures no limit, without postfix', { timeout: 120_000 }, async () => {
    const words = [
      '--only',
      'contenders',
      '--contenders',
      'bare,limit',
      '--recipients',
      '100',
      '--rounds',
      '1',
    ];
    const said: string[] = [];

    const report = await speedOn(null, parseSpeedOptions([...words, '--connections', '4']), (line) =>
      said.push(line),
    );

    expect(said).toHaveLength(1);
    expect(report.machine.mailSink).toBe('node');
    expect(Object.keys(report.medians)).toEqual(['bare']);
    expect(report.bulkJournalVsLimit).toBeNull();
    // Null on systems other than Linux.
    expect(report.bytesPerMessage.bare ?? 4_000).toBeGreaterThan(3_500);
  });

  it('reports medians, minimum and maximum', () => {
    const results = {
      ...NOTHING,
      contenders: new Map([
        ['bare', [100, 50, 120].map(roundOf)],
        ['mailer', [90, 95, 10].map(roundOf)],
      ]),
      far: new Map([
        ['bare', [10, 20].map(roundOf)],
        ['bulk', [30, 60].map(roundOf)],
      ]),
      measures: new Map([['load', [300_000, 100_000, 250_000]]]),
    };

    const report = speedReport(parseSpeedOptions([]), results, describeMachine('none'));

    expect(report.mailerVsBare).toBe(0.9);
    expect(report).toMatchObject({
      far20msVsBare: 3,
      loadRowsPerSecond: 250_000,
      settledPerSecond: null,
    });
    expect(report.leastAndMost).toEqual({
      bare: [50, 120],
      mailer: [10, 95],
      'far-bare': [10, 20],
      'far-bulk': [30, 60],
      loadRowsPerSecond: [100_000, 300_000],
    });
    expect(linesOf(report).at(-1)).toContain('mailer / bare: 0.9');
  });

  it('has no ratio if one of the two contenders did not take part', () => {
    const report = speedReport(
      parseSpeedOptions([]),
      { ...NOTHING, contenders: new Map([['bare', [roundOf(1)]]]) },
      describeMachine('none'),
    );

    expect(report).toMatchObject({ mailerVsBare: null, mailerCpuVsBare: null });
  });

  it.each([
    ['--contenders', 'bare,nobody'],
    ['--only', 'load,unload'],
    ['--list-recipients', '999'],
    ['--far-ms', '-1'],
    ['--rounds', '0'],
    ['--max-in-doubt', '39'],
    ['--nonsense', '1'],
  ])('refuses %s %s with the name of the option', (option, value) => {
    const parsing = (): unknown => parseSpeedOptions([option, value]);
    expect(parsing).toThrow(RunUsageError);
    expect(parsing).toThrow(option);
  });
});

const NOTHING: SpeedResults = { contenders: new Map(), far: new Map(), measures: new Map() };

async function runBench(args: string[]): Promise<SpeedReport> {
  const tiny = ['--rounds', '1', '--connections', '4', '--json', ...args];
  const { stdout } = await run(process.execPath, [
    '--import',
    'tsx',
    'bench/speed/speed.process.ts',
    ...tiny,
  ]);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as SpeedReport;
}

function roundOf(messagesPerSecond: number): SpeedRound {
  return {
    messagesPerSecond,
    bytesPerMessage: 4_000,
    cpuSecondsPer1000: 1,
    cpuShares: { machine: 0.5, contender: 0.5, store: null, mailServer: 0.1 },
    statementsPer1000: null,
  };
}
