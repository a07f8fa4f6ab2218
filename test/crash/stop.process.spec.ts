import { setTimeout as delay } from 'node:timers/promises';
import { MailServer } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { builtProgram } from '../support/hosts/built-program.js';
import { type StoredProgress, readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { mailingApp } from '../support/hosts/mailing-app.js';
import { NewsletterService } from '../support/hosts/newsletter-service.js';
import { readerAddresses, readerList } from '../support/hosts/reader-list.js';
import { waitUntil } from '../support/wait-until.js';
import { assertPromiseKept, type Facts } from './processes/promise.js';
import { ServiceRig } from './processes/service-rig.js';
import type { SmtpHook } from '../support/network/smtp-step.js';

const WITHOUT_HOOKS = builtProgram('host-without-hooks.process');
const RECIPIENTS = 150;
/** An orderly shutdown waits for answers; here they come within this time. */
const ANSWER_MS = 20;

const slowly: SmtpHook = ({ command }) => (command === 'END' ? delay(ANSWER_MS) : undefined);

forEachDatabase('a process that is stopped', (kind) => {
  const rig = ServiceRig.forEachTest(kind, slowly);

  /** What an orderly shutdown leaves: an outcome for each recipient that was begun, no claim, and no server row. */
  const assertOrderlyEnd = async (mailingId: string, inDoubt = 0): Promise<StoredProgress> => {
    const progress = await readProgress(rig.database.dataSource, mailingId);
    expect(progress.mailing).toMatchObject({ status: 'pending', claimToken: null });
    expect(progress.byStatus.sending ?? 0).toBe(0);
    expect(progress.byStatus.in_doubt ?? 0).toBe(inDoubt);
    expect(progress.byStatus.sent ?? 0).toBe(progress.mailing.numSent);
    expect(await rig.database.dataSource.getRepository(MailServer).count()).toBe(0);
    return progress;
  };

  const judge = async (mailingId: string, count: number, crashes: number): Promise<Facts> => {
    const progress = await readProgress(rig.database.dataSource, mailingId);
    return assertPromiseKept({ progress, inbox: rig.inbox, recipients: readerAddresses(count), crashes });
  };

  it('A12 by SIGTERM in mid-mailing leaves no recipient in doubt, and the next start completes the mailing', async () => {
    const first = await rig.start();
    const mailingId = await first.send(RECIPIENTS);
    await rig.inbox.waitFor(50);
    first.signal('SIGTERM');
    expect(await first.ended()).toBe('SIGTERM');
    const { byStatus } = await assertOrderlyEnd(mailingId);
    expect(byStatus).toEqual({
      sent: rig.inbox.messages.length,
      pending: RECIPIENTS - rig.inbox.messages.length,
    });
    const second = await rig.start();
    await second.completed(mailingId);
    expect(second.countOf('run:recovered')).toBe(0);
    await judge(mailingId, RECIPIENTS, 0);
  });

  it('A12 by SIGTERM while it starts and resumes leaves no recipient in doubt', async () => {
    const first = await rig.start();
    const mailingId = await first.send(RECIPIENTS);
    await rig.inbox.waitFor(20);
    await first.stop();
    const said = (service: NewsletterService, text: string): Promise<unknown> =>
      waitUntil(() => service.output.includes(text), { what: `the line ${text}` });
    const moments: ((service: NewsletterService) => Promise<unknown>)[] = [
      () => Promise.resolve(),
      // While Nest builds the application, before the hooks exist; then with hooks, before and after the plugin has started.
      (service) => said(service, 'dependencies initialized'),
      (service) => said(service, 'Mapped {'),
      (service) => service.reported('server:registered'),
      (service) => service.reported('run:started'),
    ];
    for (const moment of moments) {
      const service = rig.launch();
      await moment(service);
      service.signal('SIGTERM');
      expect(await service.ended()).toBe('SIGTERM');
      await assertOrderlyEnd(mailingId);
    }
    await (await rig.start()).completed(mailingId);
    expect(await judge(mailingId, RECIPIENTS, 0)).toMatchObject({ received: RECIPIENTS, inDoubt: 0 });
  });

  it('A12 by SIGTERM in a recovery leaves only the recipients in doubt that the kill before had left', async () => {
    const killed = await rig.start();
    const mailingId = await killed.send(RECIPIENTS);
    await rig.inbox.waitFor(20);
    await killed.kill();
    const service = rig.launch();
    const { numInDoubt } = await service.reported('run:recovered');
    service.signal('SIGTERM');
    expect(await service.ended()).toBe('SIGTERM');
    await assertOrderlyEnd(mailingId, Number(numInDoubt));
    await (await rig.start()).completed(mailingId);
    expect((await judge(mailingId, RECIPIENTS, 1)).inDoubt).toBe(numInDoubt);
  });

  it('A13 ignores a second and a third SIGTERM', async () => {
    const first = await rig.start();
    const mailingId = await first.send(RECIPIENTS);
    await rig.inbox.waitFor(50);
    first.signal('SIGTERM');
    first.signal('SIGTERM');
    // Once more when it only waits for the answers in flight.
    const atEnd = rig.inbox.messages.length;
    await waitUntil(() => rig.inbox.messages.length > atEnd || !first.isRunning, {
      what: 'one more message',
    });
    first.signal('SIGTERM');
    expect(await first.ended()).toBe('SIGTERM');
    await assertOrderlyEnd(mailingId);
    await (await rig.start()).completed(mailingId);
    expect(await judge(mailingId, RECIPIENTS, 0)).toMatchObject({ received: RECIPIENTS, inDoubt: 0 });
  });

  it('A13 by app.close() in mid-mailing, twice at once and once more, shuts down once', async () => {
    const options = { databaseUrl: rig.database.url, smtpUrl: rig.inbox.url };
    const app = await mailingApp(options);
    const info = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
    const { mailingId } = await app.sender.sendEmailMessage(info, readerList(RECIPIENTS), { persist: true });
    await rig.inbox.waitFor(50);
    await Promise.all([app.nest.close(), app.nest.close()]);
    const received = rig.inbox.messages.length;
    await app.close();
    await assertOrderlyEnd(mailingId!);
    expect(rig.inbox.messages).toHaveLength(received);

    const next = await mailingApp(options);
    await waitUntil(async () => (await next.query.get(mailingId!))?.status === 'completed', {
      what: 'the mailing to complete',
    });
    await next.close();
    expect(await judge(mailingId!, RECIPIENTS, 0)).toMatchObject({ received: RECIPIENTS, inDoubt: 0 });
  });

  it('A13 by SIGTERM without shutdown hooks is recovered like a crash', async () => {
    const first = await rig.start({ main: WITHOUT_HOOKS });
    const mailingId = await first.send(RECIPIENTS);
    await rig.inbox.waitFor(50);
    first.signal('SIGTERM');
    expect(await first.ended()).toBe('SIGTERM');
    const second = await rig.start();
    const { numInDoubt } = await second.reported('run:recovered');
    await second.completed(mailingId);
    expect((await judge(mailingId, RECIPIENTS, 1)).inDoubt).toBe(numInDoubt);
  });
});
