import { setTimeout as delay } from 'node:timers/promises';
import { Mailing, MailServer } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { NewsletterService } from '../support/hosts/newsletter-service.js';
import { readerAddresses } from '../support/hosts/reader-list.js';
import { waitUntil } from '../support/wait-until.js';
import { assertPromiseKept } from './processes/promise.js';
import { ServiceRig } from './processes/service-rig.js';
import type { SmtpHook } from '../support/network/smtp-step.js';

const RECIPIENTS = 400;
const ANSWER_MS = 20;
const LEASE = { MAILING_HEARTBEAT_INTERVAL_MS: '200', MAILING_LEASE_MS: '1500' };

/** Gives a process the host name of its pod, before anything else is loaded. */
function onHost(name: string): string {
  const code = `import os from 'node:os'; import { syncBuiltinESMExports } from 'node:module';
    os.hostname = () => '${name}'; syncBuiltinESMExports();`;
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}

const slowly: SmtpHook = ({ command }) => (command === 'END' ? delay(ANSWER_MS) : undefined);

forEachDatabase('a deployment whose server ids change with every pod', (kind) => {
  const rig = ServiceRig.forEachTest(kind, slowly);

  const deploy = (pod: string, migrationList: string): Promise<NewsletterService> =>
    rig.start({
      serverId: `${pod}:3000`,
      env: { ...LEASE, MAILING_MIGRATION_LIST: migrationList, NODE_OPTIONS: onHost(pod) },
    });
  const owner = async (): Promise<string | null> =>
    (await rig.database.dataSource.getRepository(Mailing).findOneByOrFail({})).uniqServerId;

  it('F7 with migrationList *, each new pod resumes the mailing of a pod that was killed or stopped', async () => {
    const first = await deploy('pod-a', '*');
    const mailingId = await first.send(RECIPIENTS);
    await rig.inbox.waitFor(60);
    const { hostname } = await rig.database.dataSource.getRepository(MailServer).findOneByOrFail({});
    expect(hostname).toBe('pod-a');
    await first.kill();

    // On another host only the lease shows the death.
    const second = await deploy('pod-b', '*');
    expect(await second.reported('mailing:adopted')).toMatchObject({ fromServerId: 'pod-a:3000' });
    await rig.inbox.waitFor(160);
    await second.stop();
    expect(await owner()).toBe('pod-b:3000');

    // After an orderly shutdown no lease has to be waited for.
    const third = await deploy('pod-c', '*');
    expect(await third.reported('mailing:adopted')).toMatchObject({ fromServerId: 'pod-b:3000' });
    await third.completed(mailingId);
    expect(third.countOf('run:recovered')).toBe(0);
    expect(await owner()).toBe('pod-c:3000');
    const progress = await readProgress(rig.database.dataSource, mailingId);
    assertPromiseKept({ progress, inbox: rig.inbox, recipients: readerAddresses(RECIPIENTS), crashes: 1 });
  });

  it('F7 F3 without migrationList, the mailing of the old pod waits, and the new pod reports it', async () => {
    const first = await deploy('pod-a', '');
    const mailingId = await first.send(RECIPIENTS);
    await rig.inbox.waitFor(60);
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
    const progress = await readProgress(rig.database.dataSource, mailingId);
    assertPromiseKept({ progress, inbox: rig.inbox, recipients: readerAddresses(RECIPIENTS), crashes: 1 });
  });
});
