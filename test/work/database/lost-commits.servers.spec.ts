import { setTimeout as delay } from 'node:timers/promises';
import type { MailingEventMap, MailingModuleOptions } from 'nestjs-mailing';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mailingDataSourceOptions } from '../../../ormconfig.js';
import { sendBatched, TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import { assertProgressAddsUp, readProgress } from '../../support/databases/stored-progress.js';
import { forEachServer } from '../../support/databases/for-each-database.js';
import { PAIR_STARTS } from '../../support/servers/database-pair.js';
import { type MailingApp, mailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, people } from '../../support/hosts/mailing-rig.js';
import type { DatabasePair } from '../../support/servers/paired-servers.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';
import { TcpProxy } from '../../support/network/tcp-proxy.js';
import { waitUntil } from '../../support/wait-until.js';

const SERVER = { heartbeatIntervalMs: 100, leaseMs: 3_000, databaseLagTimeoutMs: 500 };

forEachServer('a failover that loses commits', (kind) => {
  let pair: DatabasePair;
  let proxy: TcpProxy;
  let inbox: SmtpInbox;
  const apps: MailingApp[] = [];
  const rewound: MailingEventMap['database:rewound'][] = [];

  beforeEach(async () => {
    rewound.length = 0;
    pair = await PAIR_STARTS[kind]();
    proxy = await TcpProxy.start(pair.first.url);
    // Slow enough that the mailing is still under way.
    inbox = await SmtpInbox.start({ answer: ({ command }) => (command === 'END' ? delay(10) : undefined) });
    await using primary = await connect(pair.first.url);
    await primary.runMigrations();
  }, 120_000);
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
    await inbox.close();
    await proxy.close();
    await pair[Symbol.asyncDispose]();
  });

  async function connect(url: string): Promise<DataSource & AsyncDisposable> {
    const dataSource = new DataSource(mailingDataSourceOptions(url) as DataSourceOptions);
    await dataSource.initialize();
    return Object.assign(dataSource, { [Symbol.asyncDispose]: () => dataSource.destroy() });
  }

  async function boot(
    uniqServerId: string,
    options: Partial<MailingModuleOptions> = {},
  ): Promise<MailingApp> {
    const mailing = { uniqServerId, server: SERVER, ...options };
    const app = await mailingApp({ databaseUrl: proxy.url, smtpUrl: inbox.url, mailing });
    app.events.on('database:rewound', (facts) => rewound.push(facts));
    apps.push(app);
    return app;
  }

  /** Number of messages sent whose commits are lost. */
  async function failOver(sentBefore: number, sentUnshipped: number): Promise<void> {
    await inbox.waitFor(sentBefore);
    await pair.hold();
    await inbox.waitFor(inbox.messages.length + sentUnshipped);
    await pair.loseFirst();
    proxy.leadTo(pair.second.url);
    proxy.cut();
  }

  async function assertAllSent(mailingId: string, count: number): Promise<void> {
    await using dataSource = await connect(pair.second.url);
    const progress = await waitUntil(
      async () => {
        const found = await readProgress(dataSource, mailingId);
        return found.mailing.status === 'completed' ? found : null;
      },
      { what: 'the mailing to be completed', deadlineMs: 40_000 },
    );
    assertProgressAddsUp(progress);
    expect(progress.byStatus).toEqual({ sent: count });
  }

  it('of a mailing: the lost commits are recorded again, and each recipient gets one message', async () => {
    const app = await boot('test:1');
    const { mailingId } = await app.sender.sendEmailMessage(INFO, people(400), { persist: true });
    await failOver(40, 120);
    await assertAllSent(mailingId as string, 400);
    expect([...inbox.countsByRecipient().values()]).toEqual(people(400).map(() => 1));
    expect(rewound).toEqual([expect.objectContaining({ mailingId, numInDoubt: 0 })]);
    expect(rewound[0].numRestored).toBeGreaterThan(100);
  }, 90_000);

  it('of three servers that share a mailing in batches: each recipient gets one message', async () => {
    const [app] = await Promise.all(['a:1', 'b:2', 'c:3'].map((id) => boot(id, TAKES_BATCHES)));
    const mailingId = await sendBatched(app, 1_500);
    await failOver(100, 400);
    await assertAllSent(mailingId, 1_500);
    const copies = [...inbox.countsByRecipient().values()];
    expect(copies.filter((number) => number > 1)).toEqual([]);
    expect(copies).toHaveLength(1_500);
    expect(rewound.length).toBeGreaterThan(1);
    for (const { numInDoubt } of rewound) expect(numInDoubt).toBe(0);
  }, 90_000);
});
