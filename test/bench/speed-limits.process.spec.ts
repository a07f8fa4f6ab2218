import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { busyShare, cpuMsOf, machineTimes, parseStat } from '../../bench/cpu-time.js';
import { describeMachine } from '../../bench/machine.js';
import {
  type CpuShares,
  type Limit,
  limitOf,
  shareOf,
  spreadOf,
  unfairLines,
} from '../../bench/speed/speed.limits.js';
import { linesOf } from '../../bench/speed/speed.lines.js';
import { parseSpeedOptions } from '../../bench/speed/speed.options.js';
import { type SpeedRound, speedReport } from '../../bench/speed/speed.report.js';
import { waitUntil } from '../support/wait-until.js';

const shares = (
  contender: number | null,
  store: number | null,
  mailServer: number | null,
  machine: number | null = 0.5,
): CpuShares => ({
  machine,
  contender,
  store,
  mailServer,
});

describe('the limit of a contender', () => {
  it.each<[string, CpuShares, number | null, Limit]>([
    ['its process keeps a core busy', shares(0.97, 0.2, 0.1), 0.001, 'contender'],
    ['the mail server keeps a core busy', shares(0.5, 0.2, 0.8), 0.001, 'mailServer'],
    ['its store keeps a core busy', shares(0.5, 0.9, 0.1), 0.001, 'store'],
    ['all together keep the machine busy', shares(0.7, 0.6, 0.3), 0.001, 'machine'],
    ['other work keeps the machine busy', shares(0.32, 0.02, 0.04, 0.99), 0.011, 'machine'],
    ['the system does not tell of the machine', shares(0.49, 0.3, 0.1, null), 0.004, 'interval'],
    ['nothing is busy, and all rounds are equally fast', shares(0.49, 0.3, 0.1), 0.004, 'interval'],
    ['nothing is busy, and it has no store', shares(0.49, null, 0.1), 0.02, 'interval'],
    ['nothing is busy, and the rounds differ', shares(0.49, 0.3, 0.1), 0.021, 'unknown'],
    ['nothing is busy in rounds too few for a spread', shares(0.49, 0.3, 0.1), null, 'unknown'],
    ['the system does not tell of its process', shares(null, null, 0.1), 0.001, 'unknown'],
    ['the system does not tell of the mail server', shares(0.4, 0.1, null), 0.001, 'unknown'],
  ])('is recognized if %s', (_, of, spread, limit) => {
    expect(limitOf(of, spread, 2)).toBe(limit);
  });

  it('depends on the number of cores', () => {
    expect(limitOf(shares(0.7, 0.6, 0.3), 0.001, 4)).toBe('interval');
  });

  it('is derived from the spread of the rounds, as a share of their median', () => {
    expect(spreadOf([801, 803, 804], 803)).toBe(0.0037);
    expect(spreadOf([1_375, 1_513, 1_659], 1_513)).toBe(0.1877);
    expect(spreadOf([800, 801], 800)).toBeNull();
    expect(spreadOf([0, 0, 0], 0)).toBeNull();
  });

  it('is derived from processor time per elapsed time', () => {
    expect(shareOf(1_500, 2)).toBe(0.75);
    expect(shareOf(null, 2)).toBeNull();
  });

  it('is printed only for contenders that the bench slowed down', () => {
    const lines = unfairLines({ bare: 'contender', bullmq: 'unknown', 'pg-boss': 'interval' });
    expect(lines).toEqual([expect.stringMatching(/^pg-boss waited for an interval/)]);
  });

  it('is in the report and in its lines', () => {
    const round = (messagesPerSecond: number, cpuShares: CpuShares): SpeedRound => ({
      messagesPerSecond,
      bytesPerMessage: null,
      cpuSecondsPer1000: 0.6,
      cpuShares,
      statementsPer1000: null,
    });
    const contenders = new Map([
      ['bare', [1_706, 1_791, 1_876].map((rate) => round(rate, shares(0.98, null, 0.2)))],
      ['pg-boss', [801, 803, 804].map((rate) => round(rate, shares(0.49, 0.2, 0.1)))],
    ]);
    const machine = { ...describeMachine('none'), cores: 2 };

    const report = speedReport(
      parseSpeedOptions([]),
      { contenders, far: new Map(contenders), measures: new Map() },
      machine,
    );

    expect(report).toMatchObject({
      limitedBy: { bare: 'contender', 'pg-boss': 'interval' },
      spreads: { bare: 0.0949, 'pg-boss': 0.0037 },
      cpuShares: { bare: shares(0.98, null, 0.2), 'pg-boss': shares(0.49, 0.2, 0.1) },
    });
    expect(linesOf(report)).toContain(
      'pg-boss       limited by: interval      cores of its process 0.49, its store 0.20, the mail server 0.10; machine busy 50 %; spread of its rounds 0.4 %',
    );
  });
});

describe('processor time', () => {
  it('is parsed after a name with blanks and brackets, and includes ended children', () => {
    const line = '4711 (a (b) c) S 17 4711 4711 0 -1 4194560 900 0 0 0 120 30 4 6 20 0 11 0 300';
    expect(parseStat(line)).toEqual({ parent: 17, ms: 1_600 });
  });

  it.runIf(process.platform === 'linux')('of a process includes its child processes', async () => {
    const parent = fork(fileURLToPath(new URL('busy.process.mjs', import.meta.url)));
    try {
      await once(parent, 'message');
      // Only the child works, as long as it lives.
      await waitUntil(async () => ((await cpuMsOf(parent.pid)) ?? 0) > 1_500, {
        what: 'the processor time of a child to count',
        deadlineMs: 30_000,
      });
      expect(await cpuMsOf(process.pid)).toBeGreaterThan((await cpuMsOf(parent.pid)) as number);
    } finally {
      const gone = once(parent, 'exit');
      parent.kill();
      await gone;
    }
  });

  it('of the machine is the share of busy cores between two readings', () => {
    expect(busyShare({ busyMs: 100, idleMs: 400 }, { busyMs: 250, idleMs: 450 })).toBe(0.75);
    expect(busyShare({ busyMs: 100, idleMs: 400 }, { busyMs: 100, idleMs: 400 })).toBeNull();
    const { busyMs, idleMs } = machineTimes();
    expect(Math.min(busyMs, idleMs)).toBeGreaterThan(0);
  });

  it('is null for a process that does not exist', async () => {
    expect(await cpuMsOf(undefined)).toBeNull();
    expect(await cpuMsOf(2 ** 30)).toBeNull();
  });
});
