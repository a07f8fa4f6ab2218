import { hostname } from 'node:os';
import { type MailingHealthReport, MailServer } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { UnclaimedBatchesSweep } from '../../../libs/mailing/src/work/sweeps/unclaimed-batches.sweep.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { leaver, LONG_AGO, healthIn } from '../../support/databases/left-rows.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';

const LEASE_MS = 400;
const SHORT_LEASE = { server: { heartbeatIntervalMs: 50, leaseMs: LEASE_MS } };

forEachDatabase('the health report of a server', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  const { leave, leaveServer } = leaver(rig);
  const codes = ({ findings }: MailingHealthReport): string[] => findings.map(({ code }) => code).sort();

  it('is good where no mailing waits, also with mailings that have ended or that a user paused', async () => {
    await leave('over', 'completed', 'gone:1');
    await leave('theirs', 'paused', 'gone:1', { statusReason: 'by request' });
    await leaveServer('alive:2');
    await leave('elsewhere', 'in_progress', 'alive:2');
    const app = await rig.boot({ enabledAsTemplateMailServer: true });
    const report = await healthIn(app, 'member');
    const { incarnation } = await rig.database.dataSource
      .getRepository(MailServer)
      .findOneByOrFail({ uniqServerId: 'test:1' });
    const other = { otherHost: null, otherPid: null };
    expect(report).toEqual({
      isHealthy: true,
      server: {
        uniqServerId: 'test:1',
        incarnation,
        state: 'member',
        ...other,
        takesBatches: true,
        isWaitingForResume: false,
      },
      findings: [],
    });
  });

  it('F3 names mailings whose server is gone and on no migrationList here', async () => {
    await leave('running', 'in_progress', 'gone:1');
    await leave('list', 'loading', 'gone:1', { isBatched: true });
    await leave('waiting', 'pending', 'expired:2');
    await leaveServer('expired:2', { lastUpdated: LONG_AGO });
    // Batches are open to any server, and mailings of this server are its own.
    await leave('batched', 'in_progress', 'gone:1', { isBatched: true });
    await leaveServer('mail:3', { takesBatches: true });
    await leave('ours', 'canceling', 'test:1');
    const app = await rig.boot();
    const report = await healthIn(app, 'member');
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

    // On the migrationList, they are taken care of.
    const heir = await rig.boot({ uniqServerId: 'heir:9', migrationList: ['gone:1', 'expired:2'] });
    expect(codes(await healthIn(heir, 'member'))).toEqual([]);
    const anybody = await rig.boot({ uniqServerId: 'heir:10', migrationList: ['*'] });
    expect(codes(await healthIn(anybody, 'member'))).toEqual([]);
  });

  it('names a bounded number of mailings, however many there are', async () => {
    for (let n = 0; n < 30; n++) await leave(`m${n}`, 'in_progress', 'gone:1');
    const app = await rig.boot();
    const [finding] = (await healthIn(app, 'member')).findings;
    expect(finding.mailingIds).toHaveLength(20);
    expect(finding.message).toMatch(/^30 mailing/);
  });

  it('names batched mailings while no living server takes batches', async () => {
    await leave('batched', 'pending', 'gone:1', { isBatched: true });
    const nextYear = new Date(Date.now() + 365 * 86_400_000);
    await leave('for-later', 'pending', 'gone:1', { isBatched: true, scheduledAt: nextYear });
    await leaveServer('dead:2', { takesBatches: true, lastUpdated: LONG_AGO });
    await leaveServer('alive:3', { takesBatches: false });
    // After the first heartbeat, this test sweeps itself.
    const app = await rig.boot({ server: { heartbeatIntervalMs: 20_000, leaseMs: 60_000 } });
    const told: string[] = [];
    app.events.on('mailing:unclaimed', ({ mailingId }) => told.push(mailingId));
    const report = await healthIn(app, 'member');
    expect(report.findings).toEqual([
      {
        code: 'batches_unclaimed',
        message: expect.stringMatching(/enabledAsTemplateMailServer/) as string,
        mailingIds: ['batched'],
      },
    ]);
    const unclaimed = app.nest.get(UnclaimedBatchesSweep, { strict: false });
    await waitUntil(() => told.length === 1, { what: 'the event' });
    for (let look = 0; look < 3; look++) await unclaimed.sweep();
    expect(told).toEqual(['batched']);
    await rig.database.dataSource.getRepository(MailServer).update('alive:3', { takesBatches: true });
    expect(codes(await app.health.check())).toEqual([]);
    await unclaimed.sweep();
    await rig.database.dataSource.getRepository(MailServer).update('alive:3', { takesBatches: false });
    await unclaimed.sweep();
    expect(told).toEqual(['batched', 'batched']);
  });

  it('names mailings that are stalled, by reason, and those that are overdue', async () => {
    await leaveServer('alive:2');
    await leave('down', 'paused', 'alive:2', { statusReason: 'transport: connect ECONNREFUSED' });
    await leave('bad', 'paused', 'alive:2', { statusReason: 'error rate: 19 of 20', isBatched: true });
    await leave('bare', 'paused', 'alive:2', { statusReason: 'attachments: expected "leaflet.pdf"' });
    await leave('late', 'pending', 'alive:2', { doNotStartAfter: LONG_AGO });
    await leave('begun', 'pending', 'alive:2', { doNotStartAfter: LONG_AGO, startTime: LONG_AGO });
    const app = await rig.boot();
    const { findings } = await healthIn(app, 'member');
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

  it('A14 names the other live process that has the same server id', async () => {
    await rig.boot();
    const second = await rig.boot();
    const report = await healthIn(second, 'standby');
    expect(report.server).toMatchObject({ incarnation: null, otherHost: hostname(), otherPid: process.pid });
    expect(codes(report)).toEqual(['server_standby']);
    expect(report.findings[0].message).toContain('another application in this process');
    await rig.apps[0].close();
    expect((await healthIn(second, 'member')).isHealthy).toBe(true);
  });

  it('A14 names a process elsewhere with the same server id, and how long to wait if that was killed', async () => {
    await leaveServer('test:1', { pid: 4711 });
    const app = await rig.boot();
    const { findings } = await healthIn(app, 'standby');
    expect(findings[0].message).toContain('process 4711 on far.example');
    expect(findings[0].message).toContain('3000 ms after its last heartbeat');
    const sending = app.sender.sendEmailMessage(INFO, ['ann@home.example'], { persist: true });
    await expect(sending).rejects.toMatchObject({
      code: 'MAILING_SERVER_STANDBY',
      other: { host: 'far.example', pid: 4711, isThisProcess: false },
      message: expect.stringContaining('process 4711 on far.example uses it') as string,
    });
  });

  it('D8 reports that the database can not be read, without rejecting, also when the database does not answer', async () => {
    const app = await rig.boot(SHORT_LEASE);
    await healthIn(app, 'member');
    const database = app.nest.get(MailingDatabase, { strict: false });
    const works = {
      rows: database.rows.bind(database),
      change: database.change.bind(database),
      transaction: database.transaction.bind(database),
    };
    const refuse = (): Promise<never> => Promise.reject(new Error('connect ECONNREFUSED'));
    Object.assign(database, { rows: refuse, change: refuse, transaction: refuse });
    const report = await healthIn(app, 'lost');
    expect(codes(report)).toEqual(['database_unreachable', 'lease_lost']);
    expect(report.findings.map(({ message }) => message).join()).toContain('ECONNREFUSED');
    database.rows = () => new Promise(() => undefined);
    expect(codes(await app.health.check())).toContain('database_unreachable');
    Object.assign(database, works);
    expect((await healthIn(app, 'member')).isHealthy).toBe(true);
  });
});
