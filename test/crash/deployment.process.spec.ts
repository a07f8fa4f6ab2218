import { setTimeout as delay } from 'node:timers/promises';
import { Mailing, MailServer } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { NewsletterService } from '../support/hosts/newsletter-service.js';
import { readerAddresses } from '../support/hosts/reader-list.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { waitUntil } from '../support/wait-until.js';
import { assertPromiseKept } from './processes/promise.js';

const RECIPIENTS = 400;
const ANSWER_MS = 20;
const LEASE = { MAILING_HEARTBEAT_INTERVAL_MS: '200', MAILING_LEASE_MS: '1500' };

/** Gives a process the host name of its pod, before anything else is loaded. */
function onHost(name: string): string {
  const code = `import os from 'node:os'; import { syncBuiltinESMExports } from 'node:module';
    os.hostname = () => '${name}'; syncBuiltinESMExports();`;
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}

forEachDatabase('a deployment whose server ids change with every pod', (kind) => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  let services: NewsletterService[];

  beforeEach(async () => {
    database = await freshDatabase(kind);
    inbox = await SmtpInbox.start({
      keepRaw: 0,
      answer: ({ command }) => (command === 'END' ? delay(ANSWER_MS) : undefined),
    });
    services = [];
  });

  afterEach(async () => {
    await Promise.all(services.map((service) => service.kill()));
    await inbox.close();
    await database.dispose();
  });

  const deploy = async (pod: string, migrationList: string): Promise<NewsletterService> => {
    const service = NewsletterService.launch({
      databaseUrl: database.url,
      smtpUrl: inbox.url,
      serverId: `${pod}:3000`,
      env: { ...LEASE, MAILING_MIGRATION_LIST: migrationList, NODE_OPTIONS: onHost(pod) },
    });
    services.push(service);
    await service.listening();
    return service;
  };
  const owner = async (): Promise<string | null> =>
    (await database.dataSource.getRepository(Mailing).findOneByOrFail({})).uniqServerId;

  it('F7 with migrationList *, each new pod resumes the mailing of a pod that was killed or stopped', async () => {
    const first = await deploy('pod-a', '*');
    const mailingId = await first.send(RECIPIENTS);
    await inbox.waitFor(60);
    const { hostname } = await database.dataSource.getRepository(MailServer).findOneByOrFail({});
    expect(hostname).toBe('pod-a');
    await first.kill();

    // On another host only the lease shows the death.
    const second = await deploy('pod-b', '*');
    expect(await second.reported('mailing:adopted')).toMatchObject({ fromServerId: 'pod-a:3000' });
    await inbox.waitFor(160);
    await second.stop();
    expect(await owner()).toBe('pod-b:3000');

    // After an orderly shutdown no lease has to be waited for.
    const third = await deploy('pod-c', '*');
    expect(await third.reported('mailing:adopted')).toMatchObject({ fromServerId: 'pod-b:3000' });
    await third.completed(mailingId);
    expect(third.countOf('run:recovered')).toBe(0);
    expect(await owner()).toBe('pod-c:3000');
    const progress = await readProgress(database.dataSource, mailingId);
    assertPromiseKept({ progress, inbox, recipients: readerAddresses(RECIPIENTS), crashes: 1 });
  });

  it('F7 F3 without migrationList, the mailing of the old pod waits, and the new pod reports it', async () => {
    const first = await deploy('pod-a', '');
    const mailingId = await first.send(RECIPIENTS);
    await inbox.waitFor(60);
    await first.kill();
    const second = await deploy('pod-b', '');
    expect(await second.reported('server:pruned')).toMatchObject({ uniqServerId: 'pod-a:3000' });
    const { findings } = await waitUntil(
      async () => {
        const report = await second.health();
        return report.isHealthy ? null : report;
      },
      { what: 'a finding' },
    );
    const [{ code, serverId, mailingIds }] = findings;
    expect([code, serverId, mailingIds]).toEqual(['mailings_orphaned', 'pod-a:3000', [mailingId]]);
    expect([await owner(), second.countOf('mailing:adopted')]).toEqual(['pod-a:3000', 0]);

    // An explicit resume here takes it over.
    expect((await second.order(mailingId, 'pause')).status).toBe(200);
    expect((await second.order(mailingId, 'resume')).status).toBe(200);
    await second.completed(mailingId);
    const progress = await readProgress(database.dataSource, mailingId);
    assertPromiseKept({ progress, inbox, recipients: readerAddresses(RECIPIENTS), crashes: 1 });
  });
});
