import { hostname } from 'node:os';
import { Injectable } from '@nestjs/common';
import {
  MailBatch,
  Mailing,
  type MailingHealthReport,
  type MailingStatus,
  MailServer,
  type ProfileRepository,
  type Recipient,
  type TemplateRenderer,
} from 'nestjs-mailing';
import { expect, it, vi } from 'vitest';
import { MailingDatabase } from '../../libs/mailing/src/store/mailing.database.js';
import { UnattendedBatches } from '../../libs/mailing/src/work/unattended-batches.js';
import { forEachDatabase } from '../support/for-each-database.js';
import type { MailingApp } from '../support/mailing-app.js';
import { INFO, MailingRig, people } from '../support/mailing-rig.js';
import { never } from '../support/silence.js';
import { waitUntil } from '../support/wait-until.js';

const LEASE_MS = 400;
const SHORT_LEASE = { server: { heartbeatMs: 50, serverTimeoutMs: LEASE_MS } };
const LONG_AGO = new Date('2020-01-01T00:00:00Z');
const FUTURE = new Date(Date.now() + 3_600_000);

@Injectable()
class SilentProfiles implements ProfileRepository {
  findByIds = (): Promise<never> => never();
}

forEachDatabase('the health of a server', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  const leave = async (
    id: string,
    status: MailingStatus,
    uniqServerId: string,
    more: Partial<Omit<Mailing, 'params' | 'headers' | 'attachments'>> = {},
  ): Promise<void> => {
    const facts = { subject: 'x', from: 'x@x.example', templateUrl: 'letter.hbs', createdAt: LONG_AGO };
    await rig.database.dataSource
      .getRepository(Mailing)
      .insert({ ...facts, id, status, uniqServerId, ...more });
  };
  const leaveServer = async (uniqServerId: string, more: Partial<MailServer> = {}): Promise<void> => {
    const facts = { incarnation: uniqServerId, hostname: 'far.example', pid: 1, startedAt: LONG_AGO };
    await rig.database.dataSource
      .getRepository(MailServer)
      .insert({ uniqServerId, ...facts, lastUpdated: FUTURE, ...more });
  };
  const standing = async (app: MailingApp, expected: string): Promise<MailingHealthReport> => {
    const look = async (): Promise<MailingHealthReport | null> => {
      const report = await app.health.check();
      return report.server.standing === expected ? report : null;
    };
    return waitUntil(look, { what: `it to be ${expected}` });
  };
  const codes = ({ findings }: MailingHealthReport): string[] => findings.map(({ code }) => code).sort();

  it('is good where nothing waits, also with mailings that are over or paused by a person', async () => {
    await leave('over', 'completed', 'gone:1');
    await leave('theirs', 'paused', 'gone:1', { statusReason: 'by request' });
    await leaveServer('alive:2');
    await leave('elsewhere', 'in_progress', 'alive:2');
    const app = await rig.boot({ enabledAsTemplateMailServer: true });
    const report = await standing(app, 'member');
    const { incarnation } = await rig.database.dataSource
      .getRepository(MailServer)
      .findOneByOrFail({ uniqServerId: 'test:1' });
    const other = { otherHost: null, otherPid: null };
    expect(report).toEqual({
      isHealthy: true,
      server: { uniqServerId: 'test:1', incarnation, standing: 'member', ...other, takesBatches: true },
      findings: [],
    });
  });

  it('F3 names mailings whose server is gone and on nobody’s list here', async () => {
    await leave('running', 'in_progress', 'gone:1');
    await leave('list', 'loading', 'gone:1', { isBatched: true });
    await leave('waiting', 'pending', 'expired:2');
    await leaveServer('expired:2', { lastUpdated: LONG_AGO });
    // Batches are anybody's, and ours are ours.
    await leave('batched', 'in_progress', 'gone:1', { isBatched: true });
    await leaveServer('mail:3', { takesBatches: true });
    await leave('ours', 'canceling', 'test:1');
    const app = await rig.boot();
    const report = await standing(app, 'member');
    expect(report.isHealthy).toBe(false);
    const found = report.findings.map(({ code, serverId, mailingIds }) => ({ code, serverId, mailingIds }));
    expect(found).toHaveLength(2);
    expect(found).toContainEqual({
      code: 'mailings_orphaned',
      serverId: 'gone:1',
      mailingIds: expect.toSatisfy((ids: string[]) => [...ids].sort().join() === 'list,running') as string[],
    });
    expect(found).toContainEqual({
      code: 'mailings_orphaned',
      serverId: 'expired:2',
      mailingIds: ['waiting'],
    });
    expect(report.findings[0].message).toMatch(/migrationList/);

    // Where they are on the list, somebody looks after them.
    const heir = await rig.boot({ uniqServerId: 'heir:9', migrationList: ['gone:1', 'expired:2'] });
    expect(codes(await standing(heir, 'member'))).toEqual([]);
    const anybody = await rig.boot({ uniqServerId: 'heir:10', migrationList: ['*'] });
    expect(codes(await standing(anybody, 'member'))).toEqual([]);
  });

  it('names a bounded number of them, whatever their number', async () => {
    for (let n = 0; n < 30; n++) await leave(`m${n}`, 'in_progress', 'gone:1');
    const app = await rig.boot();
    const [finding] = (await standing(app, 'member')).findings;
    expect(finding.mailingIds).toHaveLength(20);
    expect(finding.message).toMatch(/^30 mailing/);
  });

  it('names batched mailings while no living server takes batches', async () => {
    await leave('batched', 'pending', 'gone:1', { isBatched: true });
    const nextYear = new Date(Date.now() + 365 * 86_400_000);
    await leave('for-later', 'pending', 'gone:1', { isBatched: true, scheduledAt: nextYear });
    await leaveServer('dead:2', { takesBatches: true, lastUpdated: LONG_AGO });
    await leaveServer('alive:3', { takesBatches: false });
    // After the first heartbeat, the looks are ours.
    const app = await rig.boot({ server: { heartbeatMs: 20_000, serverTimeoutMs: 60_000 } });
    const told: string[] = [];
    app.events.on('mailing:unattended', ({ mailingId }) => told.push(mailingId));
    const report = await standing(app, 'member');
    expect(report.findings).toEqual([
      {
        code: 'batches_unattended',
        message: expect.stringMatching(/enabledAsTemplateMailServer/) as string,
        mailingIds: ['batched'],
      },
    ]);
    const unattended = app.nest.get(UnattendedBatches, { strict: false });
    await waitUntil(() => told.length === 1, { what: 'it to be told' });
    for (let look = 0; look < 3; look++) await unattended.look();
    expect(told).toEqual(['batched']);
    await rig.database.dataSource.getRepository(MailServer).update('alive:3', { takesBatches: true });
    expect(codes(await app.health.check())).toEqual([]);
    await unattended.look();
    await rig.database.dataSource.getRepository(MailServer).update('alive:3', { takesBatches: false });
    await unattended.look();
    expect(told).toEqual(['batched', 'batched']);
  });

  it('names mailings that stand still by themselves, by reason, and those that are overdue', async () => {
    await leaveServer('alive:2');
    await leave('down', 'paused', 'alive:2', { statusReason: 'transport: connect ECONNREFUSED' });
    await leave('bad', 'paused', 'alive:2', { statusReason: 'error rate: 19 of 20', isBatched: true });
    await leave('bare', 'paused', 'alive:2', { statusReason: 'attachments: expected "leaflet.pdf"' });
    await leave('late', 'pending', 'alive:2', { doNotStartAfter: LONG_AGO });
    await leave('begun', 'pending', 'alive:2', { doNotStartAfter: LONG_AGO, startTime: LONG_AGO });
    const app = await rig.boot();
    const { findings } = await standing(app, 'member');
    expect(findings.map(({ code, mailingIds }) => `${code} ${mailingIds?.join()}`).sort()).toEqual([
      'mailings_overdue late',
      'mailings_paused bad',
      'mailings_paused bare',
      'mailings_paused down',
    ]);
    const messages = findings.map(({ message }) => message).join('\n');
    for (const word of [
      'ECONNREFUSED',
      'mail server answers',
      '19 of 20',
      'leaflet.pdf',
      'put the files back',
      'resume',
    ]) {
      expect(messages.toLowerCase()).toContain(word.toLowerCase());
    }
  });

  it('names mailings that a living server works on and that do not move, and where to ask', async () => {
    await leaveServer('alive:2');
    await leave('stuck', 'in_progress', 'alive:2', { lastCommitAt: LONG_AGO });
    await leave('pausing', 'pausing', 'alive:2', { lastCommitAt: LONG_AGO });
    await leave('moves', 'in_progress', 'alive:2', { lastCommitAt: FUTURE });
    await leave('elsewhere', 'in_progress', 'gone:3', { lastCommitAt: LONG_AGO });
    await leave('batched', 'in_progress', 'gone:3', { isBatched: true, lastCommitAt: LONG_AGO });
    const batch = { mailingId: 'batched', startIdx: 0, endIdx: 9, notBefore: LONG_AGO, numProfiles: 9 };
    const frame = {
      settledIdx: 0,
      nextIdx: 0,
      reachIdx: 0,
      uniqServerId: 'alive:2',
      status: 'claimed' as const,
    };
    await rig.database.dataSource
      .getRepository(MailBatch)
      .insert({ ...batch, ...frame, lastCommitAt: LONG_AGO });
    const app = await rig.boot({ enabledAsTemplateMailServer: true });
    const found = (await standing(app, 'member')).findings.filter(({ code }) => code === 'mailing_stalled');
    expect(found).toEqual([
      {
        code: 'mailing_stalled',
        serverId: 'alive:2',
        message: expect.any(String) as string,
        mailingIds: expect.any(Array) as string[],
      },
    ]);
    expect([...(found[0].mailingIds ?? [])].sort()).toEqual(['batched', 'pausing', 'stuck']);
    expect(found[0].message).toContain('Ask MailingHealth of that server');
    expect(found[0].message).toContain('have not moved for 120 s or more');
  });

  /** What the findings say of mailings that do not move, so many milliseconds from now. */
  const stalledIn = async (app: MailingApp, ms: number): Promise<string> => {
    const { findings } = await (async () => {
      const now = performance.now.bind(performance);
      const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + ms);
      try {
        return await app.health.check();
      } finally {
        clock.mockRestore();
      }
    })();
    const messages = findings.filter(({ code }) => code === 'mailing_stalled').map(({ message }) => message);
    return messages.join('\n');
  };
  const aged = async (mailingId: string): Promise<void> => {
    await rig.database.dataSource.getRepository(Mailing).update(mailingId, { lastCommitAt: LONG_AGO });
  };

  it('says what a run of this process waits for, and since when: the host, the mail server, a message', async () => {
    const SINCE = /They wait for (.*), since 20\d\d-.*Z\. See why that does not come/;
    const app = await rig.boot({
      profileRepository: SilentProfiles,
      run: { hostCallTimeoutMs: 600_000, messageTimeoutMs: 60_000 },
    });
    const send = async (list: Recipient[]): Promise<string> => {
      const { mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
      await rig.reached(mailingId as string, 'in_progress');
      return mailingId as string;
    };
    const silent = await send([{ userId: 'p1' }]);
    expect(await stalledIn(app, 0)).toBe('');
    await aged(silent);
    const what = async (): Promise<string | undefined> => SINCE.exec(await stalledIn(app, 0))?.[1];
    await waitUntil(async () => (await what()) === 'the answer of ProfileRepository.findByIds', {
      what: 'the finding',
    });
    await app.sender.cancel(silent);
    await rig.reached(silent, 'canceled');

    const answer: { give?: () => void } = {};
    rig.inbox.answer = ({ command }) =>
      command === 'END' ? new Promise((resolve) => (answer.give = () => resolve(undefined))) : undefined;
    const slow = await send(people(1));
    await waitUntil(() => answer.give, { what: 'the message' });
    await aged(slow);
    expect(await what()).toBe('1 message(s) that are being rendered or sent');
    answer.give?.();
    await rig.reached(slow, 'completed');

    await rig.inboxDown();
    const down = await send(people(1));
    const told = await waitUntil(
      async () => {
        await aged(down);
        const text = await what();
        return text?.startsWith('transport: ') ? text : null;
      },
      { what: 'the transport' },
    );
    expect(told).toContain('ECONNREFUSED');
    // An outage of a persisted mailing is told although its attempts are committed.
    await rig.database.dataSource.getRepository(Mailing).update(down, { lastCommitAt: new Date() });
    expect(await stalledIn(app, 900_000)).toContain('transport: ');
    await app.sender.cancel(down);
  });

  it('tells of lists whose source is silent, of mailings that are read as they are sent, and of renderers', async () => {
    let numSilent = 0;
    async function* silent(): AsyncGenerator<string> {
      yield 'first@home.example';
      numSilent++;
      await never();
    }
    const app = await rig.boot();
    const writing = app.sender.sendEmailMessage(INFO, silent(), { persist: true });
    writing.catch(() => undefined);
    const mailings = rig.database.dataSource.getRepository(Mailing);
    const { id } = await waitUntil(() => mailings.findOneBy({ status: 'loading' }), { what: 'the list' });
    await app.sender.sendEmailMessage(INFO, silent());
    await waitUntil(() => numSilent === 2, { what: 'both to be silent' });
    const told = await stalledIn(app, 200_000);
    expect(told).toContain('being written down on test:1');
    expect(told).toContain('in progress on test:1');
    expect(told.match(/They wait for the next entry of recipients, since/g)).toHaveLength(2);
    expect(await stalledIn(app, 60_000)).toBe('');
    await app.sender.cancel(id);
    await expect(writing).rejects.toThrow();
    await app.close();

    await leave('unopened', 'pending', 'test:1');
    class BrokenLetters implements TemplateRenderer {
      open = (): Promise<never> => Promise.reject(new Error('no room for <ann@home.example>'));
    }
    const second = await rig.boot({ renderer: BrokenLetters });
    await new Promise<void>((resolve) => second.events.on('run:failed', () => resolve()));
    const message = await stalledIn(second, 125_000);
    expect(message).toContain('to be begun on test:1');
    expect(message).toContain('They wait for its templates: no room for <(an address)>, since');
  });

  it('is good while a mailing moves: each commit says when it was, of a mailing and of its batches', async () => {
    const app = await rig.boot({ enabledAsTemplateMailServer: true });
    const { dataSource } = rig.database;
    const begun = Date.now();
    for (const batched of [false, true]) {
      const info = { ...INFO, batched };
      const { completed, mailingId } = await app.sender.sendEmailMessage(info, people(12), { persist: true });
      expect(await completed).toMatchObject({ status: 'completed' });
      const books = batched
        ? await dataSource.getRepository(MailBatch).findOneByOrFail({ mailingId: mailingId as string })
        : await dataSource.getRepository(Mailing).findOneByOrFail({ id: mailingId as string });
      const at = books.lastCommitAt?.getTime() ?? 0;
      expect(at).toBeGreaterThan(begun - 1_000);
      expect(at).toBeLessThan(Date.now() + 1_000);
    }
    expect((await app.health.check()).isHealthy).toBe(true);
  });

  it('A14 tells that another live process has the id, and which', async () => {
    await rig.boot();
    const second = await rig.boot();
    const report = await standing(second, 'standing_by');
    expect(report.server).toMatchObject({ incarnation: null, otherHost: hostname(), otherPid: process.pid });
    expect(codes(report)).toEqual(['server_standing_by']);
    expect(report.findings[0].message).toContain(`Process ${process.pid} on ${hostname()}`);
    await rig.apps[0].close();
    expect((await standing(second, 'member')).isHealthy).toBe(true);
  });

  it('D8 tells that the database can not be asked, and does not reject, also when that is silent', async () => {
    const app = await rig.boot(SHORT_LEASE);
    await standing(app, 'member');
    const database = app.nest.get(MailingDatabase, { strict: false });
    const works = { rows: database.rows.bind(database), change: database.change.bind(database) };
    const refuse = (): Promise<never> => Promise.reject(new Error('connect ECONNREFUSED'));
    Object.assign(database, { rows: refuse, change: refuse });
    const report = await standing(app, 'lost');
    expect(codes(report)).toEqual(['database_unreachable', 'lease_lost']);
    expect(report.findings.map(({ message }) => message).join()).toContain('ECONNREFUSED');
    database.rows = () => new Promise(() => undefined);
    expect(codes(await app.health.check())).toContain('database_unreachable');
    Object.assign(database, works);
    expect((await standing(app, 'member')).isHealthy).toBe(true);
  });
});
