import { Mailing, MailServer, TemplateEmailBatchServerPersister } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';

const HEARTBEAT_MS = 50;
const LEASE_MS = 600;
const SHORT_LEASE = { server: { heartbeatIntervalMs: HEARTBEAT_MS, leaseMs: LEASE_MS } };
const LONG_AGO = new Date('2020-01-01T00:00:00Z');

forEachDatabase('the sweep of dead servers', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  /** The row of a server on another host. */
  const leaveServer = async (uniqServerId: string, lastUpdated: Date): Promise<void> => {
    const facts = {
      incarnation: `${uniqServerId}-life`,
      hostname: 'far.example',
      pid: 1,
      pidNamespace: null,
    };
    await rig.database.dataSource
      .getRepository(MailServer)
      .insert({ uniqServerId, ...facts, startedAt: lastUpdated, lastUpdated });
  };
  const ids = async (): Promise<string[]> =>
    (await rig.database.dataSource.getRepository(MailServer).find())
      .map(({ uniqServerId }) => uniqServerId)
      .sort();
  const persister = (leaseMs = LEASE_MS): TemplateEmailBatchServerPersister =>
    new TemplateEmailBatchServerPersister(new MailingDatabase(rig.database.dataSource), leaseMs);

  it('prunes every server whose lease has run out, whatever migrationList says, and adopts no mailing', async () => {
    await leaveServer('dead:1', LONG_AGO);
    await leaveServer('dead:2', LONG_AGO);
    await leaveServer('alive:3', new Date(Date.now() + 3_600_000));
    const { dataSource } = rig.database;
    const facts = { subject: 'x', from: 'x@x.example', templateUrl: 'letter.hbs', createdAt: LONG_AGO };
    const mailing = { id: 'm', status: 'in_progress' as const, uniqServerId: 'dead:1', claimToken: 'dead#1' };
    await dataSource.getRepository(Mailing).insert({ ...facts, ...mailing });
    const app = await rig.boot(SHORT_LEASE);
    const pruned: unknown[] = [];
    app.events.on('server:pruned', (one) => pruned.push(one));
    await waitUntil(() => pruned.length === 2, { what: 'both servers to be pruned' });
    expect(pruned).toContainEqual({ uniqServerId: 'dead:1', incarnation: 'dead:1-life' });
    expect(await ids()).toEqual(['alive:3', 'test:1']);
    // Another sweep has ended: no mailing of it is adopted.
    await app.restarter.sweep();
    expect(await dataSource.getRepository(Mailing).findOneByOrFail({ id: 'm' })).toMatchObject(mailing);
  });

  it('run twice at once prunes one server once, and both runs know that it is gone', async () => {
    await leaveServer('dead:1', LONG_AGO);
    const lives = (): boolean => false;
    const told: string[] = [];
    const [one, two] = ['a', 'b'].map(
      (name) =>
        new TemplateEmailBatchServerPersister(new MailingDatabase(rig.database.dataSource), LEASE_MS, {
          pruned: () => told.push(name),
          failedOver: () => undefined,
        }),
    );
    const pruned = await Promise.all([one.pruneDead('a:1', lives, true), two.pruneDead('b:1', lives, true)]);
    expect(pruned.flat()).toEqual(['dead:1']);
    expect(told).toHaveLength(1);

    await leaveServer('dead:1', LONG_AGO);
    expect(await Promise.all([one.prune('dead:1', lives), two.prune('dead:1', lives)])).toEqual([true, true]);
    expect(told).toHaveLength(2);
  });

  it('leaves its own row, and that of a server that renewed its lease after it was read', async () => {
    await leaveServer('me:1', LONG_AGO);
    await leaveServer('late:2', LONG_AGO);
    const database = new MailingDatabase(rig.database.dataSource);
    const renewing = new TemplateEmailBatchServerPersister(database, LEASE_MS);
    const change = database.change.bind(database);
    database.change = async (sql, parameters) => {
      await persister().renew('late:2', 'late:2-life');
      return change(sql, parameters);
    };
    expect(await renewing.pruneDead('me:1', () => false, true)).toEqual([]);
    expect(await ids()).toEqual(['late:2', 'me:1']);
  });

  it('D8 after an outage of the database, gives the other servers the time of a lease to renew', async () => {
    const server = { heartbeatIntervalMs: HEARTBEAT_MS, leaseMs: 2_000 };
    const app = await rig.boot({ server, migrationList: ['*'] });
    const pruned: number[] = [];
    app.events.on('server:pruned', () => pruned.push(performance.now()));
    const { dataSource } = rig.database;
    const facts = { subject: 'x', from: 'x@x.example', templateUrl: 'letter.hbs', createdAt: LONG_AGO };
    // Old enough to judge others, then cut off for longer than a lease.
    const database = app.nest.get(MailingDatabase, { strict: false });
    const change = database.change.bind(database);
    const transaction = database.transaction.bind(database) as MailingDatabase['transaction'];
    await waitUntil(async () => (await ids()).includes('test:1'), { what: 'it to register' });
    let numFailed = 0;
    const fail = (): Promise<never> => {
      numFailed++;
      return Promise.reject(new Error('connect ECONNREFUSED'));
    };
    database.change = fail;
    database.transaction = fail;
    await leaveServer('other:2', LONG_AGO);
    await dataSource
      .getRepository(Mailing)
      .insert({ ...facts, id: 'm', status: 'in_progress', uniqServerId: 'other:2', claimToken: 'other#1' });
    const cutOffAt = performance.now();
    await waitUntil(() => numFailed > 5 && performance.now() - cutOffAt > 2_100, {
      what: 'its lease to end',
    });
    database.change = change;
    database.transaction = transaction;
    const backAt = performance.now();
    await waitUntil(() => pruned.length === 1, { what: 'the server to be pruned' });
    expect(pruned[0] - backAt).toBeGreaterThan(1_900);
  });

  it('lets a living server whose row was removed register again, and also a standby of the same id', async () => {
    const app = await rig.boot(SHORT_LEASE);
    const lost: string[] = [];
    app.events.on('server:lost', ({ incarnation }) => lost.push(incarnation));
    const second = await rig.boot(SHORT_LEASE);
    let numStandby = 0;
    const registered: string[] = [];
    second.events.on('server:standby', () => numStandby++);
    for (const { events } of [app, second]) {
      events.on('server:registered', ({ incarnation }) => registered.push(incarnation));
    }
    await waitUntil(() => numStandby === 1, { what: 'the second server to be on standby' });
    // A third server believes it dead.
    expect(await persister().prune('test:1', () => true)).toBe(true);
    // The server that held the id may be the last to notice.
    await waitUntil(() => registered.length === 1 && lost.length === 1, { what: 'one of them to register' });
    const { incarnation } = await rig.database.dataSource.getRepository(MailServer).findOneByOrFail({});
    expect(registered).toEqual([incarnation]);
    expect(lost).not.toContain(incarnation);
    // The one that has the id now sends, the other one reports that it can not.
    const answers = await Promise.allSettled([rig.send(app, 1), rig.send(second, 1)]);
    expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});
