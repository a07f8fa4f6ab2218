import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
// Not by npm, which would remove and rebuild the build that other tests use meanwhile.
const bench = async (...args: string[]): Promise<string> =>
  (await run(process.execPath, ['--import', 'tsx/esm', 'bench/parsers/parsers.process.ts', ...args])).stdout;
// The assertions do not depend on the speed or load of the machine.
const QUICK = ['--round-ms', '1', '--json'];

describe('npm run bench:parsers', () => {
  it(
    'measures how the time of each parser grows, and prints it as JSON in the last line',
    { timeout: 120_000 },
    async () => {
      const stdout = await bench('--only', 'mailbox,token,csv', ...QUICK, '--max-ratio', '100');
      const report = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as {
        worstRatio: number;
        growths: { name: string; characters: number; microseconds: number[]; ratio: number }[];
      };
      expect(new Set(report.growths.map(({ name }) => name.split(':')[0]))).toEqual(
        new Set(['mailbox', 'token', 'csv']),
      );
      for (const { microseconds, ratio, characters } of report.growths) {
        expect(microseconds).toHaveLength(3);
        expect(Math.min(...microseconds, ratio, characters)).toBeGreaterThan(0);
      }
      expect(report.worstRatio).toBe(Math.max(...report.growths.map(({ ratio }) => ratio)));
    },
  );

  it(
    'ends with exit code 1 if the time of a parser grows more than allowed',
    { timeout: 120_000 },
    async () => {
      const { code, stdout } = (await bench('--only', 'token', ...QUICK, '--max-ratio', '0').catch(
        (error: unknown) => error,
      )) as { code: number; stdout: string };
      const { steep } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as { steep: string[] };
      expect({ code, parsers: new Set(steep.map((name) => name.split(':')[0])) }).toEqual({
        code: 1,
        parsers: new Set(['token']),
      });
      expect(stdout).toContain(`too steep, more than 0 ×: ${steep.join(', ')}`);
    },
  );

  it('refuses an unknown parser', { timeout: 120_000 }, async () => {
    await expect(bench('--only', 'none')).rejects.toMatchObject({
      stderr: expect.stringContaining('--only'),
    });
  });
});
