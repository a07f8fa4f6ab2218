import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';

/** The time limit has passed at the second failure in a row. */
const IMPATIENT = { run: { transportOutageTimeoutMs: 0 } };

forEachDatabase('an outage of the mail server', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('B11 pauses the mailing with the reason, charges no recipient, and the mailing resumes by itself afterwards', async () => {
    const app = await rig.boot(IMPATIENT);
    const back = await rig.inboxDown();
    const mailingId = await rig.send(app, 25);
    const { statusReason } = await rig.reached(mailingId, 'paused');
    expect(statusReason).toMatch(/^transport: .*ECONNREFUSED/);
    const { byStatus, mailing } = await rig.progress(mailingId);
    expect(byStatus).toEqual({ pending: 25 });
    expect(mailing).toMatchObject({ numSent: 0, numErrors: 0, numSkipped: 0, claimToken: null });

    const resumed = new Promise<number>((resolve) =>
      app.events.on('transport:recovered', ({ numResumed }) => resolve(numResumed)),
    );
    await back();
    expect(await resumed).toBe(1);
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 25);
    expect((await rig.progress(mailingId)).recipients.every(({ attempts }) => attempts === 1)).toBe(true);
  });

  it('ends at once by resume', async () => {
    const app = await rig.boot({ ...IMPATIENT, server: { heartbeatIntervalMs: 60_000 } });
    const back = await rig.inboxDown();
    const mailingId = await rig.send(app, 5);
    await rig.reached(mailingId, 'paused');
    await back();
    await app.sender.resume(mailingId);
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 5);
  });

  it('leaves a mailing paused that a user has paused, too', async () => {
    const app = await rig.boot(IMPATIENT);
    const back = await rig.inboxDown();
    const byPlugin = await rig.send(app, 5);
    const byPerson = (await app.sender.sendEmailMessage(INFO, people(5), { persist: true }))
      .mailingId as string;
    await rig.reached(byPlugin, 'paused');
    await rig.reached(byPerson, 'paused');
    expect(await app.sender.pause(byPerson)).toBe('paused');
    await back();
    await rig.reached(byPlugin, 'completed');
    expect(await app.query.get(byPerson)).toMatchObject({ status: 'paused', statusReason: 'by request' });
  });

  it('B11 includes a wrong password: no recipient is charged with an attempt', async () => {
    await rig.inbox.close();
    rig.inbox = await SmtpInbox.start({
      answer: ({ command }) => (command === 'AUTH' ? { code: 535, text: '5.7.8 wrong password' } : undefined),
      server: { disabledCommands: ['STARTTLS'], allowInsecureAuth: true },
    });
    const smtpUrl = rig.inbox.url.replace('smtp://', 'smtp://shop:wrong@');
    const app = await rig.boot(IMPATIENT, { smtpUrl });
    const mailingId = await rig.send(app, 5);
    expect((await rig.reached(mailingId, 'paused')).statusReason).toMatch(/^transport: .*535/);
    expect((await rig.progress(mailingId)).byStatus).toEqual({ pending: 5 });
    // The probe tells a wrong password from a server that works.
    await app.restarter.sweep();
    expect(await app.query.get(mailingId)).toMatchObject({ status: 'paused' });
    rig.inbox.answer = undefined;
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 5);
  });

  it('B10 B11 includes a server that stops answering: the mailing is paused, and no recipient is charged with more than one attempt', async () => {
    rig.inbox.answer = ({ command }) => (command === 'RCPT' ? 'hang' : undefined);
    const run = { messageTimeoutMs: 500, transportOutageTimeoutMs: 0 };
    const app = await rig.boot({ run, retry: { initialDelayMs: 10 } });
    const mailingId = await rig.send(app, 60);
    expect((await rig.reached(mailingId, 'paused')).statusReason).toBe('transport: no answer in time');
    const { recipients } = await rig.progress(mailingId);
    const settled = recipients.filter(({ status }) => status !== 'pending' && status !== 'deferred');
    expect(settled.map(({ status, errorText }) => `${status}: ${errorText}`)).toEqual([]);
    rig.inbox.answer = undefined;
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 60);
  });

  it('A21 includes a server that takes each message and hangs up: a few recipients are in doubt, not the list', async () => {
    rig.inbox.answer = ({ command }) => (command === 'END' ? 'close' : undefined);
    const app = await rig.boot({ run: { transportOutageTimeoutMs: 0 } });
    const mailingId = await rig.send(app, 200);
    expect((await rig.reached(mailingId, 'paused')).statusReason).toMatch(/^transport: /);
    const { byStatus } = await rig.progress(mailingId);
    expect(byStatus.in_doubt).toBeLessThanOrEqual(20);
    expect(byStatus.pending).toBeGreaterThanOrEqual(180);
  });

  it('fails a mailing that is not persisted with the reason, and reports how many were sent', async () => {
    const app = await rig.boot(IMPATIENT);
    const back = await rig.inboxDown();
    const { completed } = await app.sender.sendEmailMessage(INFO, people(5));
    expect(await completed).toMatchObject({
      status: 'failed',
      numSent: 0,
      statusReason: expect.stringMatching(/^transport: /) as string,
    });
    await back();
  });

  // A mailing has stored its templates since this version; a mailing of an older version has only the files.
  it('C8 a mailing of an older version whose template is missing at the next start is paused, too, and resume sends it once the file is back', async () => {
    const first = await rig.boot();
    const mailingId = await rig.send(first, 200);
    await rig.inbox.waitFor(20);
    await first.close();
    await rig.database.dataSource.query('UPDATE dps_mailing SET template_hashes = NULL');
    const without = await rig.boot({}, { templates: {} });
    const { statusReason } = await rig.reached(mailingId, 'paused');
    expect(statusReason).toMatch(/^template: .*letter\.hbs/);
    // Without its template it is paused again.
    await without.sender.resume(mailingId);
    await rig.reached(mailingId, 'paused');
    await without.close();
    const second = await rig.boot();
    await second.sender.resume(mailingId);
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 200);
  });
});

describe('a mail server that greets slowly', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it.each([true, false])(
    'is probed successfully, however short hostCallTimeoutMs is (bulkSmtp: %s)',
    async (bulkSmtp) => {
      rig.inbox.answer = ({ command }) => (command === 'CONNECT' ? 'close' : undefined);
      const app = await rig.boot({ bulkSmtp, run: { transportOutageTimeoutMs: 0, hostCallTimeoutMs: 300 } });
      const mailingId = await rig.send(app, 3);
      expect((await rig.reached(mailingId, 'paused')).statusReason).toMatch(/^transport: /);
      // Longer than a function of the host may take.
      rig.inbox.answer = async ({ command }) => {
        if (command === 'CONNECT') await delay(1_000);
      };
      await rig.reached(mailingId, 'completed');
      await rig.assertAllSent(mailingId, 3);
    },
  );
});
