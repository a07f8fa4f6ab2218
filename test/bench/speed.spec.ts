import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { describeMachine } from '../../bench/machine.js';
import { BenchUsageError } from '../../bench/bench-options.js';
import { parseSpeedOptions } from '../../bench/speed.options.js';
import { linesOf, type SpeedReport, type SpeedRound, speedReport } from '../../bench/speed.report.js';

const run = promisify(execFile);
const CONTENDERS = ['bare', 'mailer', 'bulk', 'bullmq', 'pg-boss', 'limit'];

describe('npm run bench', () => {
  it(
    'lets all contenders send the same, and ends with its figures as JSON',
    { timeout: 300_000 },
    async () => {
      const tiny = ['--rounds', '1', '--recipients', '200', '--connections', '4', '--json'];

      const { stdout } = await run(process.execPath, ['--import', 'tsx', 'bench/speed.process.ts', ...tiny]);

      const lines = stdout.trimEnd().split('\n');
      const report = JSON.parse(lines.at(-1)!) as SpeedReport;
      expect(report).toMatchObject({ bench: 'speed', recipients: 200, rounds: 1, smtpConnections: 4 });
      expect(Object.keys(report.medians)).toEqual(CONTENDERS);
      expect(Math.min(...Object.values(report.medians))).toBeGreaterThan(0);
      expect(report.mailerVsBare).toBeGreaterThan(0);
      expect(report.statementsPer1000Messages).toBeGreaterThan(0);
      const { limit, ...senders } = report.bytesPerMessage;
      // The same letter to the same readers: what differs is its encoding, a header, and a greeting for each connection. Linux alone
      // counts bytes.
      const bytes = Object.values(senders).map((one) => one ?? 1);
      expect(Math.max(...bytes) / Math.min(...bytes)).toBeLessThan(1.15);
      expect(limit === null).toBe(process.platform !== 'linux');
    },
  );

  it('compares medians, and shows the least and the most', () => {
    const rounds = new Map([
      ['bare', [100, 50, 120].map(roundOf)],
      ['mailer', [90, 95, 10].map(roundOf)],
    ]);

    const report = speedReport(parseSpeedOptions([]), rounds, describeMachine('none'));

    expect(report.mailerVsBare).toBe(0.9);
    expect(report.leastAndMost).toEqual({ bare: [50, 120], mailer: [10, 95] });
    expect(linesOf(report).at(-1)).toContain('mailer / bare: 0.9');
  });

  it('has no ratio where one of the two did not take part', () => {
    const report = speedReport(
      parseSpeedOptions([]),
      new Map([['bare', [roundOf(1)]]]),
      describeMachine('none'),
    );

    expect(report).toMatchObject({ mailerVsBare: null, mailerCpuVsBare: null });
  });

  it.each([
    ['--contenders', 'bare,nobody'],
    ['--rounds', '0'],
    ['--max-in-doubt', '39'],
    ['--nonsense', '1'],
  ])('refuses %s %s by the name of the option', (option, value) => {
    const parsing = (): unknown => parseSpeedOptions([option, value]);
    expect(parsing).toThrow(BenchUsageError);
    expect(parsing).toThrow(option);
  });
});

function roundOf(messagesPerSecond: number): SpeedRound {
  return { messagesPerSecond, bytesPerMessage: 4_000, cpuSecondsPer1000: 1, statementsPer1000: null };
}
