import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
// Not by npm, which would build anew, and take the build away from the tests beside this one.
const bench = async (...args: string[]): Promise<string> =>
  (await run(process.execPath, ['--import', 'tsx', 'bench/parsers.process.ts', ...args])).stdout;

describe('npm run bench:parsers', () => {
  it('tells how the time of each parser grows, and ends with it as JSON', { timeout: 120_000 }, async () => {
    const stdout = await bench('--only', 'mailbox,token,csv', '--round-ms', '1', '--json');
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
  });

  it('knows its parsers', { timeout: 120_000 }, async () => {
    await expect(bench('--only', 'none')).rejects.toMatchObject({
      stderr: expect.stringContaining('--only'),
    });
  });
});
