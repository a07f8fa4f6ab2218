import { setTimeout as delay } from 'node:timers/promises';
import { hostname } from 'node:os';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { NewsletterService } from '../support/hosts/newsletter-service.js';
import { readerAddresses } from '../support/hosts/reader-list.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { waitUntil } from '../support/wait-until.js';
import { HeldAnswers } from './processes/held-answers.js';
import { assertPromiseKept } from './processes/promise.js';
import { WorkerCluster } from './processes/worker-cluster.js';

const RECIPIENTS = 400;
/** The mail server's delay for each message, so that a kill meets the middle of the mailing. */
const ANSWER_MS = 20;
/** Far longer than the test waits, so a takeover must detect the death by more than the lease. */
const LONG_LEASE = { MAILING_HEARTBEAT_INTERVAL_MS: '200', MAILING_LEASE_MS: '60000' };

forEachDatabase('live processes with one server id', (kind) => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  let ends: (() => Promise<void>)[];

  beforeEach(async () => {
    database = await freshDatabase(kind);
    inbox = await SmtpInbox.start({
      keepRaw: 0,
      answer: ({ command }) => (command === 'END' ? delay(ANSWER_MS) : undefined),
    });
    ends = [];
  });

  afterEach(async () => {
    await Promise.all(ends.map((end) => end()));
    await inbox.close();
    await database.dispose();
  });

  const start = async (): Promise<NewsletterService> => {
    const service = NewsletterService.launch({
      databaseUrl: database.url,
      smtpUrl: inbox.url,
      serverId: 'shop:1',
      env: LONG_LEASE,
    });
    ends.push(() => service.kill());
    await service.listening();
    return service;
  };

  const completed = (mailingId: string): Promise<unknown> =>
    waitUntil(
      async () => (await readProgress(database.dataSource, mailingId)).mailing.status === 'completed',
      {
        what: 'the mailing to complete',
        deadlineMs: 25_000,
      },
    );

  const assertPromise = async (mailingId: string, crashes: number): Promise<void> => {
    const progress = await readProgress(database.dataSource, mailingId);
    assertPromiseKept({ progress, inbox, recipients: readerAddresses(RECIPIENTS), crashes });
  };

  it('A14 as four workers of a cluster: one sends, three are in standby and report it, and one of them takes over after a kill', async () => {
    const dead = await start();
    const mailingId = await dead.send(RECIPIENTS);
    await inbox.waitFor(40);
    await dead.kill();

    const cluster = new WorkerCluster({
      DATABASE_URL: database.url,
      SMTP_URL: inbox.url,
      MAILING_SERVER_ID: 'shop:1',
      ...LONG_LEASE,
    });
    ends.push(() => cluster.kill());
    await cluster.listening();
    await cluster.firstOf('run:recovered');
    await waitUntil(() => cluster.pidsOf('server:standby').length === 3, { what: 'three to be in standby' });
    const [member] = cluster.pidsOf('server:registered');
    expect(cluster.pidsOf('server:registered')).toEqual([member]);
    expect(cluster.pidsOf('run:recovered')).toEqual([member]);
    expect(cluster.pidsOf('server:standby')).not.toContain(member);
    const health = await cluster.health(4);
    for (const [pid, { server, findings }] of health) {
      const isMember = pid === member;
      expect(server.state).toBe(isMember ? 'member' : 'standby');
      expect([server.otherPid, server.otherHost]).toEqual(isMember ? [null, null] : [member, hostname()]);
      expect(findings.map(({ code }) => code)).toEqual(isMember ? [] : ['server_standby']);
    }

    await inbox.waitFor(120);
    process.kill(member, 'SIGKILL');
    await completed(mailingId);
    const [, heir, ...more] = cluster.pidsOf('server:registered');
    expect([heir === member, more]).toEqual([false, []]);
    expect(cluster.pidsOf('run:recovered')).toEqual([member, heir]);
    const after = await cluster.health(3);
    expect([...after.values()].map(({ server }) => server.state).sort()).toEqual([
      'member',
      'standby',
      'standby',
    ]);
    expect(cluster.pidsOf('server:lost')).toEqual([]);
    await assertPromise(mailingId, 2);
  });

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'A14 the second is in standby, reports it, and takes over when the first one has ended by %s',
    async (signal) => {
      // The first one is in the middle of its mailing, however long the second one takes to start.
      const held = new HeldAnswers(() => inbox.messages.length > 60);
      inbox.answer = async (step) => {
        await held.at(step);
        if (step.command === 'END') await delay(ANSWER_MS);
      };
      const first = await start();
      const mailingId = await first.send(RECIPIENTS);
      const second = await start();
      const { otherPid, otherHost } = await second.reported('server:standby');
      expect([otherPid, otherHost]).toEqual([first.pid, hostname()]);
      const { isHealthy, server, findings } = await second.health();
      expect([isHealthy, server.state, server.otherPid]).toEqual([false, 'standby', first.pid]);
      expect(findings.map(({ code }) => code)).toEqual(['server_standby']);
      expect((await first.health()).server.state).toBe('member');

      await inbox.waitFor(60);
      expect(second.countOf('server:registered')).toBe(0);
      first.signal(signal);
      held.release();
      await first.ended();
      await second.completed(mailingId);
      expect((await second.health()).isHealthy).toBe(true);
      expect([second.countOf('server:registered'), second.countOf('server:lost')]).toEqual([1, 0]);
      await assertPromise(mailingId, signal === 'SIGKILL' ? 1 : 0);
    },
  );
});
