import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';

/** Patience ends with the second failure in a row. */
const IMPATIENT = { run: { transportOutageTimeoutMs: 0 } };

forEachDatabase('a mail server that stays away', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('B11 pauses the mailing with the reason, charges nobody, and it goes on by itself when it is back', async () => {
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

  it('goes on at once by resume', async () => {
    const app = await rig.boot({ ...IMPATIENT, server: { heartbeatIntervalMs: 60_000 } });
    const back = await rig.inboxDown();
    const mailingId = await rig.send(app, 5);
    await rig.reached(mailingId, 'paused');
    await back();
    await app.sender.resume(mailingId);
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 5);
  });

  it('a mailing that a person has paused too does not go on by itself', async () => {
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

  it('B11 a wrong password is the transport as well: nobody is charged for it', async () => {
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
    // The probe knows a password that does not work from a server that does.
    await app.restarter.sweep();
    expect(await app.query.get(mailingId)).toMatchObject({ status: 'paused' });
    rig.inbox.answer = undefined;
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 5);
  });

  it('B10 B11 that falls silent to everybody costs nobody more than an attempt: the mailing is paused', async () => {
    rig.inbox.answer = ({ command }) => (command === 'RCPT' ? 'hang' : undefined);
    const run = { messageTimeoutMs: 500, transportOutageTimeoutMs: 0 };
    const app = await rig.boot({ run, retry: { initialDelayMs: 10 } });
    const mailingId = await rig.send(app, 60);
    expect((await rig.reached(mailingId, 'paused')).statusReason).toBe('transport: no answer in time');
    expect((await rig.progress(mailingId)).mailing).toMatchObject({ numSent: 0, numErrors: 0 });
    rig.inbox.answer = undefined;
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 60);
  });

  it('A21 that takes each message and hangs up leaves few in doubt, not the list', async () => {
    rig.inbox.answer = ({ command }) => (command === 'END' ? 'close' : undefined);
    const app = await rig.boot({ run: { transportOutageTimeoutMs: 0 } });
    const mailingId = await rig.send(app, 200);
    expect((await rig.reached(mailingId, 'paused')).statusReason).toMatch(/^transport: /);
    const { byStatus } = await rig.progress(mailingId);
    expect(byStatus.in_doubt).toBeLessThanOrEqual(20);
    expect(byStatus.pending).toBeGreaterThanOrEqual(180);
  });

  it('a mailing that is not persisted fails with the reason, and tells how far it got', async () => {
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

  // A mailing keeps its templates since they are stored with it; one of an older version has none but the files.
  it('C8 a mailing of an older version, whose template is gone at the next start, is paused, and resume sends it once it is back', async () => {
    const first = await rig.boot();
    const mailingId = await rig.send(first, 200);
    await rig.inbox.waitFor(20);
    await first.close();
    await rig.database.dataSource.query('UPDATE dps_mailing SET template_hashes = NULL');
    const without = await rig.boot({}, { templates: {} });
    const { statusReason } = await rig.reached(mailingId, 'paused');
    expect(statusReason).toMatch(/^template: .*letter\.hbs/);
    // Without its template it comes to the same again.
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
    'is found up again, however soon functions of the host have to answer (bulkSmtp: %s)',
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
