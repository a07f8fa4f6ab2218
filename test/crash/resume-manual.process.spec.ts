import { setTimeout as delay } from 'node:timers/promises';
import { MailServer } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { NewsletterService } from '../support/hosts/newsletter-service.js';
import { readerAddresses } from '../support/hosts/reader-list.js';
import { waitUntil } from '../support/wait-until.js';
import { assertPromiseKept } from './processes/promise.js';
import { ServiceRig } from './processes/service-rig.js';
import type { SmtpHook } from '../support/network/smtp-step.js';

const RECIPIENTS = 200;
/** Slow enough for a kill in the middle of the mailing. */
const ANSWER_MS = 5;

const slowly: SmtpHook = ({ command }) => (command === 'END' ? delay(ANSWER_MS) : undefined);

forEachDatabase('a copied database with the same server id', (kind) => {
  const rig = ServiceRig.forEachTest(kind, slowly);

  const startManual = (): Promise<NewsletterService> =>
    rig.start({
      env: { MAILING_RESUME: 'manual', MAILING_TAKES_BATCHES: 'true', MAILING_HEARTBEAT_INTERVAL_MS: '50' },
    });
  /** The number of lease renewals of the server, and so of its looks for work. */
  const heartbeats = async (count: number): Promise<void> => {
    const seen = new Set<number>();
    const look = async (): Promise<boolean> => {
      const [server] = await rig.database.dataSource.getRepository(MailServer).find();
      if (server) seen.add(server.lastUpdated.getTime());
      return seen.size > count;
    };
    await waitUntil(look, { what: `${count} heartbeats` });
  };

  it('with resume manual, after kills, sends to no recipient before resume() and to each once after it', async () => {
    const first = await rig.start();
    const mailingId = await first.send(RECIPIENTS);
    await rig.inbox.waitFor(60);
    await first.kill();
    const connections = rig.inbox.connections.total;
    const received = rig.inbox.messages.length;

    for (const death of ['kill', 'stop'] as const) {
      const service = await startManual();
      expect(await service.reported('server:resume-awaited')).toMatchObject({
        uniqServerId: 'test:1',
        numMailings: 1,
      });
      await heartbeats(8);
      const { isHealthy, server, findings } = await service.health();
      expect([isHealthy, server.isWaitingForResume]).toEqual([false, true]);
      expect(findings).toMatchObject([{ code: 'resume_awaited', mailingIds: [mailingId] }]);
      await service[death]();
    }
    expect([rig.inbox.connections.total, rig.inbox.messages.length]).toEqual([connections, received]);

    const last = await startManual();
    await last.reported('server:resume-awaited');
    expect(await last.resume()).toMatchObject({ status: 200, answer: { resumed: [mailingId], batched: [] } });
    await last.completed(mailingId);
    const progress = await readProgress(rig.database.dataSource, mailingId);
    assertPromiseKept({ progress, inbox: rig.inbox, recipients: readerAddresses(RECIPIENTS), crashes: 1 });
    expect((await last.health()).isHealthy).toBe(true);
  });
});
