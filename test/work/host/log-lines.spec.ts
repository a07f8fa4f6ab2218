import { afterEach, describe, expect, it, vi } from 'vitest';
import type { SuppressionList } from 'nestjs-mailing';
import { RepeatedLines } from '../../../libs/mailing/src/work/repeated-lines.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { holdMessagesAfter } from '../../support/network/hold-messages.js';
import { ScriptedSmtpServer, takesAll } from '../../support/network/scripted-smtp.server.js';
import { toldOf } from '../../support/told-of.js';
import { waitUntil } from '../../support/wait-until.js';

const NAMED = { ...INFO, name: 'Spring news' };

class BrokenList implements SuppressionList {
  static isBroken = true;

  findSuppressed(): Promise<Set<string>> {
    return BrokenList.isBroken
      ? Promise.reject(new Error('connect ECONNREFUSED 127.0.0.1:3306'))
      : Promise.resolve(new Set());
  }

  suppress = (): Promise<void> => Promise.resolve();
  release = (): Promise<void> => Promise.resolve();
}

describe('the log of a mailing', () => {
  const rig = MailingRig.forEachTest('sqlite');
  afterEach(() => void vi.useRealTimers());
  const send = async (app: MailingApp, count: number, more: object = {}): Promise<string> => {
    const info = { ...NAMED, ...more };
    const { mailingId } = await app.sender.sendEmailMessage(info, people(count), { persist: true });
    return mailingId as string;
  };
  /** Without the id in front of the name. */
  const linesOf = (told: { lines: string[] }, mailingId: string): string[] => {
    const mine = told.lines.filter((one) => one.startsWith(mailingId));
    return mine.map((one) => one.slice(mailingId.length + 1).replace(/ Mailing$/, ''));
  };

  it('has few lines however many recipients there are, with the name, the counts and the top reasons', async () => {
    rig.inbox.answer = ({ command, to }) => {
      if (command !== 'RCPT') return undefined;
      const n = Number(/\d+/.exec(to.at(-1) ?? '')?.[0]);
      if (n % 10 === 3) return { code: 550, text: '5.1.1 no such user' };
      return n % 20 === 6 ? { code: 550, text: '5.7.1 blocked' } : undefined;
    };
    const app = await rig.boot();
    const told = toldOf(app);
    const mailingId = await send(app, 200);
    await waitUntil(() => told.lines.some((one) => one.includes('most often')), { what: 'the last line' });
    expect(linesOf(told, mailingId).filter((one) => !one.includes('left as'))).toEqual([
      '(Spring news): list of 200 written, 0 duplicates dropped, 0 invalid',
      '(Spring news): begun, 0 of 200 settled',
      '(Spring news): completed, 170 sent, 30 errors, 0 skipped of 200; most often 5.1.1 (20), 5.7.1 (10)',
    ]);
    expect(told.levels.filter((level) => level === 'verbose' || level === 'debug').length).toBeLessThan(3);
  });

  it('has the top reasons of a mailing that is not persisted', async () => {
    rig.inbox.answer = ({ command }) => (command === 'RCPT' ? { code: 550, text: '5.1.1 no' } : undefined);
    const app = await rig.boot();
    const told = toldOf(app);
    const { completed } = await app.sender.sendEmailMessage(NAMED, [...people(3), 'nonsense']);
    await completed;
    expect(told.lines.join('\n')).toContain(
      'unpersisted mailing (Spring news): completed, 0 sent, 3 errors, 1 skipped of 4; most often 5.1.1 (3), invalid_',
    );
  });

  it('has a line for each recipient at the level verbose, where the host asks for it', async () => {
    const app = await rig.boot({ logRecipients: true });
    const told = toldOf(app);
    await rig.reached(await send(app, 20), 'completed');
    await waitUntil(() => told.lines.filter((one) => /recipient \d+ sent/.test(one)).length === 20, {
      what: 'a line for each',
    });
    const levels = told.levels.filter((_, n) => /recipient \d+ sent/.test(told.lines[n]));
    expect(new Set(levels)).toEqual(new Set(['verbose']));
  });

  it('reports progress, rate and remaining time every ten seconds', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const release = holdMessagesAfter(rig.inbox, 40);
    const app = await rig.boot({ run: { concurrency: 5 } });
    const told = toldOf(app);
    const mailingId = await send(app, 100);
    await waitUntil(async () => (await rig.progress(mailingId)).byStatus.sent === 40, {
      what: '40 to be sent',
    });
    await vi.advanceTimersByTimeAsync(10_000);
    const progress = (): string[] => linesOf(told, mailingId).filter((one) => one.includes('/s'));
    await waitUntil(() => progress().length === 1, { what: 'a line' });
    expect(progress()[0]).toMatch(
      /^\(Spring news\): 40 of 100 sent, 0 errors, 0 skipped, [\d.]+\/s, about \d+ (s|min) left$/,
    );
    await vi.advanceTimersByTimeAsync(10_000);
    await waitUntil(() => progress().length === 2, { what: 'another line' });
    // Nothing was sent in between, so there is no estimate.
    expect(progress()[1]).toMatch(/40 of 100 sent, 0 errors, 0 skipped, 0\.0\/s$/);
    release();
    await rig.reached(mailingId, 'completed');
    await waitUntil(() => told.lines.some((one) => one.includes('completed, 100')), { what: 'the end' });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(progress()).toHaveLength(2);
  });

  it('reports progress of a mailing that is not persisted, too', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const release = holdMessagesAfter(rig.inbox, 40);
    const app = await rig.boot({ run: { concurrency: 5 } });
    const told = toldOf(app);
    const { completed } = await app.sender.sendEmailMessage(NAMED, people(100));
    const progress = (): string[] => told.lines.filter((one) => one.includes('/s'));
    await waitUntil(
      async () => {
        await vi.advanceTimersByTimeAsync(10_000);
        return progress().some((one) => / 40 of \d+ sent/.test(one));
      },
      { what: 'a line about 40' },
    );
    expect(progress()[0]).toMatch(
      /^unpersisted mailing \(Spring news\): \d+ of \d+ sent, 0 errors, 0 skipped, [\d.]+\/s/,
    );
    release();
    await completed;
    const { length } = progress();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(progress()).toHaveLength(length);
  });

  it('has one summary of a mailing in batches, and no line at LOG for a batch', async () => {
    const app = await rig.boot({
      enabledAsTemplateMailServer: true,
      batch: { emailsPerBatch: 10, pollIntervalMs: 20 },
    });
    const told = toldOf(app);
    const mailingId = await send(app, 100, { batched: true });
    await waitUntil(() => told.lines.some((one) => one.includes('completed, 100')), { what: 'the end' });
    const shown = told.lines.filter((_, n) => !['debug', 'verbose'].includes(told.levels[n]));
    expect(linesOf({ lines: shown }, mailingId)).toEqual([
      '(Spring news): list of 100 written, 0 duplicates dropped, 0 invalid',
      '(Spring news): begun here, in batches',
      '(Spring news): completed, 100 sent, 0 errors, 0 skipped of 100',
    ]);
  });

  it('distinguishes an outage of the database from one of the mail server, and reports its end', async () => {
    BrokenList.isBroken = true;
    const app = await rig.boot({ suppressionList: BrokenList });
    const told = toldOf(app);
    const mailingId = await send(app, 5);
    await waitUntil(() => told.lines.some((one) => one.includes('ECONNREFUSED')), { what: 'the outage' });
    BrokenList.isBroken = false;
    await rig.reached(mailingId, 'completed');
    await waitUntil(() => told.lines.some((one) => one.includes('completed')), { what: 'the end' });
    const lines = linesOf(told, mailingId);
    expect(lines.filter((one) => one.includes('mail server'))).toEqual([]);
    expect(lines.find((one) => one.includes('ECONNREFUSED'))).toMatch(
      /its recipients can't be asked about, .* suppression list: connect ECONNREFUSED/,
    );
    expect(lines.find((one) => one.includes('again, after'))).toMatch(
      /^\(Spring news\): its recipients can be asked about again, after \d+ s$/,
    );
  });

  it('reports that the heartbeat works again, and reports a later error of it anew', async () => {
    const { dataSource } = rig.database;
    const rename = (from: string, to: string): Promise<unknown> =>
      dataSource.query(`ALTER TABLE ${from} RENAME TO ${to}`);
    const app = await rig.boot();
    const told = toldOf(app);
    const faults = (): string[] => told.lines.filter((one) => one.includes('heartbeat failed'));
    const isFailedHeartbeat = (one: string): boolean => /^server:error .*'heartbeat'/.test(one);
    const recoveries = (): string[] => told.lines.filter((one) => one.includes('heartbeat works again'));
    for (const count of [1, 2]) {
      await rename('dps_mail_server', 'hidden');
      await waitUntil(() => told.events.filter(isFailedHeartbeat).length >= 3 * count, {
        what: 'heartbeats to fail',
      });
      await rename('hidden', 'dps_mail_server');
      await waitUntil(() => recoveries().length === count, { what: 'the recovery' });
      expect(faults()).toHaveLength(count);
    }
    expect(recoveries()[0]).toMatch(/^server test:1: heartbeat works again, after \d+ s/);
  });

  it('reports that a login was refused', async () => {
    await using server = await ScriptedSmtpServer.start(
      takesAll((line) => {
        if (line.startsWith('EHLO')) return '250-mail.example\r\n250 AUTH PLAIN\r\n';
        return line.startsWith('AUTH') ? '535 5.7.8 no\r\n' : undefined;
      }),
    );
    const smtpUrl = server.url.replace('//', '//mailing:wrong@');
    for (const bulkSmtp of [false, true]) {
      const app = await rig.boot({ bulkSmtp }, { smtpUrl });
      const told = toldOf(app);
      await send(app, 1);
      await waitUntil(() => told.lines.some((one) => one.includes('login was refused')), {
        what: 'the refused login',
      });
      expect(told.lines.filter((one) => one.includes('wrong'))).toEqual([]);
      // Transactions of two applications in one process would block each other, and SQLite blocks the event loop meanwhile.
      await app.close();
      rig.apps = [];
    }
    await using other = await ScriptedSmtpServer.start((line) => (line === 'CONNECT' ? '554 no\r\n' : null));
    const app = await rig.boot({}, { smtpUrl: other.url });
    const told = toldOf(app);
    await send(app, 1);
    await waitUntil(() => told.lines.some((one) => one.includes('out of reach')), { what: 'the outage' });
    expect(told.lines.filter((one) => one.includes('login'))).toEqual([]);
  });
});

describe('the log of an error that repeats itself', () => {
  afterEach(() => void vi.useRealTimers());

  it('has one line at once, then one a minute with the number of errors in between, and one at once again after a quiet time', () => {
    vi.useFakeTimers();
    const lines = new RepeatedLines();
    expect(lines.next('a')).toBe(0);
    expect(lines.next('b')).toBe(0);
    for (let n = 0; n < 59; n++) {
      vi.advanceTimersByTime(1_000);
      expect(lines.next('a')).toBeNull();
    }
    vi.advanceTimersByTime(1_000);
    expect(lines.next('a')).toBe(59);
    expect(lines.next('a')).toBeNull();
    lines.forget('a');
    expect(lines.next('a')).toBe(0);
  });

  it('remembers a thousand errors', () => {
    const lines = new RepeatedLines();
    for (let n = 0; n < 1_001; n++) lines.next(`fault ${n}`);
    expect(lines.next('fault 1')).toBeNull();
    expect(lines.next('fault 0')).toBe(0);
  });
});
