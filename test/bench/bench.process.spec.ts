import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { createTransport } from 'nodemailer';
import { describe, expect, it } from 'vitest';
import { describeMachine } from '../../bench/machine.js';
import { RunUsageError } from '../support/run-options.js';
import { parseScalingOptions } from '../../bench/scaling/scaling.options.js';
import { linesOf, type ScalingReport, scalingReport } from '../../bench/scaling/scaling.report.js';
import type { RoundResult } from '../../bench/scaling/scaling.round.js';
import { SlowMailServer } from '../../bench/mail-servers/slow-mail-server.js';

const run = promisify(execFile);

describe('npm run bench:scaling', () => {
  it('prints its figures as JSON in the last line', { timeout: 180_000 }, async () => {
    const tiny = ['--servers', '2', '--rounds', '1', '--recipients', '60', '--reply-ms', '2'];
    const costs = ['--cost-recipients', '40', '--list-recipients', '500', '--idle-seconds', '3'];
    const program = ['--import', 'tsx/esm', 'bench/scaling/scaling.process.ts', ...tiny, ...costs, '--json'];

    const { stdout } = await run(process.execPath, program);

    const report = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as ScalingReport;
    expect(report).toMatchObject({
      bench: 'scaling',
      recipients: 60,
      sender: 'bulk',
      rounds: 1,
      secondCopies: 0,
    });
    expect(Object.keys(report.messagesPerSecond)).toEqual(['2']);
    expect(report.lockWaits['2'].count).toBeGreaterThanOrEqual(0);
    expect(Object.keys(report.statementsPer1000Messages)).toEqual(['20', '100', '500', 'local']);
    expect(Math.min(...Object.values(report.statementsPer1000Messages))).toBeGreaterThan(0);
    expect(report.databaseCosts.mailings.local.per1000Messages.binlogBytes).toBeGreaterThan(0);
    expect(report.databaseCosts.rows?.sent.dataBytes).toBeGreaterThan(0);
    expect(report.idleStatementsPerMinute).toBeGreaterThan(0);
  });

  it('reports medians', () => {
    const results = new Map([
      [1, [100, 500, 90].map(roundOf)],
      [4, [390, 10, 400].map(roundOf)],
    ]);
    const costs = { mailings: {}, mailingsAtConcurrency20: {}, mailingsWithMinimalRowImage: {} };
    const nothing = { ...costs, idlePerMinute: null, rows: null };

    const report = scalingReport(parseScalingOptions([]), results, nothing, describeMachine('none'));

    expect(report.messagesPerSecond).toEqual({ 1: 100, 4: 390 });
    expect(report).toMatchObject({ speedUp: 3.9, isTargetMet: true, secondCopies: 0 });
    expect(linesOf(report).at(-1)).toBe('target 3.6 ×: met');
  });

  it.each([
    ['--rounds', '0'],
    ['--servers', '1,,4'],
    ['--recipients', 'many'],
    ['--nonsense', '1'],
    ['--sender', 'pigeon'],
  ])('refuses %s %s with the name of the option', (option, value) => {
    const parsing = (): unknown => parseScalingOptions([option, value]);
    expect(parsing).toThrow(RunUsageError);
    expect(parsing).toThrow(option);
  });
});

describe('SlowMailServer', () => {
  it('accepts messages, and delays each reply', async () => {
    await using slow = await SlowServer.start(5);
    const pool = createTransport({ url: slow.url, pool: true, maxConnections: 2 });
    const texts = ['Hello', '.\r\n..dots\r\n.', 'x'.repeat(200_000)];

    await Promise.all(
      texts.map((text, n) => pool.sendMail({ from: 'a@example.com', to: `b${n}@example.com`, text })),
    );
    await slow.all;
    pool.close();

    const { messages, recipients, replyMs } = slow.server.received();
    expect({ messages, recipients }).toEqual({ messages: 3, recipients: 3 });
    expect(replyMs.least).toBeGreaterThanOrEqual(5);
  });

  it('answers commands that arrive in one chunk one after the other', async () => {
    await using slow = await SlowServer.start(5);
    const socket = connect(Number(new URL(slow.url).port), '127.0.0.1');
    let heard = '';
    socket.setEncoding('utf8').on('data', (text: string) => (heard += text));

    socket.write(
      'EHLO a\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n',
    );
    socket.write('.\r\nQUIT\r\n');
    await new Promise((resolve) => socket.on('end', resolve));

    expect(heard.match(/^\d{3}/gm)).toEqual(['220', '250', '250', '250', '354', '250', '221']);
    expect(slow.server.received()).toMatchObject({ messages: 1, recipients: 1 });
  });

  it('answers commands of one chunk together as a distant server, each after its delay', async () => {
    await using far = await SlowServer.start(20, true);
    const socket = connect(Number(new URL(far.url).port), '127.0.0.1');
    const pieces: string[] = [];
    socket.setEncoding('utf8').on('data', (text: string) => pieces.push(text));

    socket.write(
      'EHLO a\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n',
    );
    await new Promise((resolve) => socket.on('end', resolve));

    const heard = pieces.join('');
    expect(heard.match(/^\d{3}/gm)).toEqual(['220', '250', '250', '250', '250', '250', '354', '250', '221']);
    expect(heard).toContain('250-PIPELINING');
    expect(far.server.received()).toMatchObject({ messages: 1, recipients: 1 });
    expect(far.server.received().replyMs.least).toBeGreaterThanOrEqual(20);
    // The greeting, and all other replies at once.
    expect(pieces.length).toBeLessThanOrEqual(2);
  });
});

function roundOf(messagesPerSecond: number): RoundResult {
  return {
    messagesPerSecond,
    seconds: 1,
    wholeSeconds: 1,
    secondCopies: 0,
    lockWaits: { count: 0, ms: 0 },
    cpuMsPerMessage: { mailServers: 1, database: null, smtpServer: 0.1 },
    replyMs: { mean: 20, p99: 21, least: 20 },
  };
}

/** A server that ends with the test. */
class SlowServer implements AsyncDisposable {
  private constructor(
    readonly server: SlowMailServer,
    readonly url: string,
    readonly all: Promise<void>,
  ) {}

  static async start(replyMs: number, isFar = false): Promise<SlowServer> {
    let tell: () => void = () => undefined;
    const all = new Promise<void>((resolve) => (tell = resolve));
    const server = new SlowMailServer(replyMs, () => tell(), isFar);
    const url = await server.listen();
    server.expect(3);
    return new SlowServer(server, url, all);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.server.close();
  }
}
