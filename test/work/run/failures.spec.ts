import { Mailing, type MailingModuleOptions, type Recipient } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { assertProgressAddsUp, readProgress } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../../support/databases/fresh-database.js';
import { type MailingApp, mailingApp } from '../../support/hosts/mailing-app.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';
import { waitUntil } from '../../support/wait-until.js';

const INFO = { templateUrl: 'letter.hbs', subject: 'Hello {{name}}', from: 'The Shop <news@shop.example>' };
const people = (count: number): Recipient[] =>
  Array.from({ length: count }, (_, n) => `reader${n}@home.example`);

forEachDatabase('failures during a mailing', (kind) => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  let app: MailingApp | undefined;

  beforeEach(async () => {
    database = await freshDatabase(kind);
    inbox = await SmtpInbox.start();
  });

  afterEach(async () => {
    await app?.close();
    await inbox.close();
    await database.dispose();
  });

  const boot = async (
    mailing: Partial<MailingModuleOptions> = {},
    templates?: Record<string, string>,
  ): Promise<MailingApp> => {
    app = await mailingApp({ databaseUrl: database.url, smtpUrl: inbox.url, mailing, templates });
    return app;
  };

  it('B1 one refused recipient fails alone, and the reason is stored', async () => {
    inbox.answer = ({ command, to }) => {
      if (command !== 'RCPT') return undefined;
      if (to[to.length - 1] === 'reader7@home.example') return { code: 550, text: '5.1.1 no such user' };
      if (to[to.length - 1] === 'reader9@home.example') return { code: 450, text: '4.2.0 greylisted' };
      return undefined;
    };
    const { sender } = await boot({ retry: { maxAttempts: 2, initialDelayMs: 50 } });
    const { completed, mailingId } = await sender.sendEmailMessage(INFO, people(20), true, true);
    expect(await completed).toMatchObject({ status: 'completed', numSent: 18, numErrors: 2 });
    const progress = await readProgress(database.dataSource, mailingId as string);
    assertProgressAddsUp(progress);
    expect(progress.recipients[7]).toMatchObject({ status: 'error', errorCode: '5.1.1', attempts: 1 });
    expect(progress.recipients[7].errorText).toContain('no such user');
    expect(progress.recipients[9]).toMatchObject({ status: 'error', errorCode: '4.2.0', attempts: 2 });
  });

  it('A21 a server that takes the message and hangs up without a reply leaves the recipient in doubt, without a second copy', async () => {
    inbox.answer = ({ command, to }) =>
      command === 'END' && to[0] === 'reader5@home.example' ? 'close' : undefined;
    const { sender } = await boot();
    const { completed, mailingId } = await sender.sendEmailMessage(INFO, people(12), true, true);
    expect(await completed).toMatchObject({ status: 'completed', numSent: 11, numErrors: 1 });
    const { recipients } = await readProgress(database.dataSource, mailingId as string);
    expect(recipients[5].status).toBe('in_doubt');
    expect([...inbox.countsByRecipient().values()].every((copies) => copies === 1)).toBe(true);
  });

  it('B10 a server that stops answering blocks one connection for the time limit of one message', async () => {
    inbox.answer = ({ command, to }) =>
      command === 'RCPT' && to[0] === 'reader3@home.example' ? 'hang' : undefined;
    const { sender } = await boot({
      run: { messageTimeoutMs: 1_000 },
      retry: { maxAttempts: 2, initialDelayMs: 20 },
    });
    const { completed, mailingId } = await sender.sendEmailMessage(INFO, people(12), true, true);
    expect(await completed).toMatchObject({ status: 'completed', numSent: 11, numErrors: 1 });
    const { recipients } = await readProgress(database.dataSource, mailingId as string);
    expect(recipients[3]).toMatchObject({ status: 'error', errorCode: 'timeout' });
  });

  it('B11 while the mail server is down no recipient is charged with an attempt, and all are sent to when it is back', async () => {
    const { sender, events } = await boot();
    const port = Number(new URL(inbox.url).port);
    await inbox.close();
    let outages = 0;
    const isDown = new Promise<void>((resolve) => events.on('transport:down', () => (outages++, resolve())));
    const { completed, mailingId } = await sender.sendEmailMessage(INFO, people(30), true, true);
    await isDown;
    const during = await readProgress(database.dataSource, mailingId as string);
    expect(during.mailing).toMatchObject({ numSent: 0, numErrors: 0, numSkipped: 0 });
    inbox = await SmtpInbox.start({ port });
    expect(await completed).toMatchObject({ status: 'completed', numSent: 30, numErrors: 0 });
    expect(outages).toBeGreaterThanOrEqual(1);
    expect([...inbox.countsByRecipient().values()]).toEqual(people(30).map(() => 1));
    const after = await readProgress(database.dataSource, mailingId as string);
    assertProgressAddsUp(after);
    expect(after.recipients.every(({ attempts }) => attempts === 1)).toBe(true);
  });

  it('B11 an orderly stop while the mail server is down leaves all recipients pending', async () => {
    const { sender, events } = await boot();
    await inbox.close();
    const isDown = new Promise<void>((resolve) => events.on('transport:down', () => resolve()));
    const { completed, mailingId } = await sender.sendEmailMessage(INFO, people(30), true, true);
    await isDown;
    await app?.close();
    app = undefined;
    expect(await completed).toMatchObject({ status: 'pending' });
    const { byStatus, mailing } = await readProgress(database.dataSource, mailingId as string);
    expect(byStatus).toEqual({ pending: 30 });
    expect(mailing).toMatchObject({ claimToken: null, lowWaterIdx: 0 });
    inbox = await SmtpInbox.start();
  });

  it('A12 app.close() in the middle of a mailing leaves no recipient in doubt', async () => {
    const { sender } = await boot();
    const { completed, mailingId } = await sender.sendEmailMessage(INFO, people(300), true, true);
    await inbox.waitFor(40);
    await app?.close();
    app = undefined;
    const received = inbox.messages.length;
    expect(await completed).toMatchObject({ status: 'pending', numSent: received });
    const { byStatus } = await readProgress(database.dataSource, mailingId as string);
    expect(byStatus).toEqual({ sent: received, pending: 300 - received });
  });

  it('C8 a template that throws for one recipient fails that recipient only', async () => {
    const { sender } = await boot(
      {},
      { 'letter.hbs': '{{#if broken}}{{noSuchHelper broken}}{{/if}}Dear {{name}}' },
    );
    const list: Recipient[] = [
      ...people(3),
      { email: 'odd@home.example', data: { broken: true } },
      'last@home.example',
    ];
    const { completed, mailingId } = await sender.sendEmailMessage(INFO, list, true, true);
    expect(await completed).toMatchObject({ status: 'completed', numSent: 4, numErrors: 1 });
    const { recipients } = await readProgress(database.dataSource, mailingId as string);
    expect(recipients[3]).toMatchObject({ status: 'error', errorCode: 'template' });
  });

  it('every listener is told the outcome of each recipient once', async () => {
    inbox.answer = ({ command, to }) =>
      command === 'RCPT' && to.at(-1) === 'reader1@home.example'
        ? { code: 550, text: '5.1.1 no such user' }
        : undefined;
    const { sender, events } = await boot();
    const told: Record<'one' | 'other', string[]> = { one: [], other: [] };
    for (const listener of ['one', 'other'] as const) {
      events.on('recipient:settled', ({ idx, status, code }) =>
        told[listener].push([idx, status, ...(code === null ? [] : [code])].join(' ')),
      );
    }
    await sender.sendEmailMessage(INFO, [...people(2), 'no address'], false, true);
    // Recipients skipped while the list was written are reported by the counts of the list.
    expect(new Set(told.one)).toEqual(new Set(['0 sent', '1 error 5.1.1']));
    expect(told.other).toEqual(told.one);
    expect(told.one).toHaveLength(2);
  });

  it('C7 a template that requires a field fails only recipients without it', async () => {
    const letter =
      '{{#with customer}}Dear {{#if firstName}}{{firstName}}{{else}}{{noFirstName 1}}{{/if}}{{/with}}';
    const { sender } = await boot({}, { 'letter.hbs': letter });
    const names = ['Ann', null, '', undefined, 'Bob'];
    const list = names.map((firstName, n) => ({
      email: `reader${n}@home.example`,
      data: { customer: { firstName } },
    }));
    const { completed, mailingId } = await sender.sendEmailMessage(INFO, list, true, true);
    expect(await completed).toMatchObject({ status: 'completed', numSent: 2, numErrors: 3 });
    const { recipients } = await readProgress(database.dataSource, mailingId as string);
    expect(recipients.map(({ errorCode }) => errorCode)).toEqual([null, ...Array(3).fill('template'), null]);
    const texts = await Promise.all(inbox.messages.map(async (one) => (await one.parsed()).text?.trim()));
    expect(new Set(texts)).toEqual(new Set(['Dear Ann', 'Dear Bob']));
  });

  it('C8 a template that throws for every recipient pauses the mailing, and most of the list is kept', async () => {
    const broken = '{{#if broken}}{{noSuchHelper broken}}{{/if}}';
    const { sender } = await boot({ errorGuard: { sampleSize: 20 } }, { 'letter.hbs': broken });
    const list = people(200).map((email) => ({ email: email as string, data: { broken: true } }));
    const { mailingId } = await sender.sendEmailMessage(INFO, list, true, true);
    const mailing = await waitUntil(
      () =>
        database.dataSource.getRepository(Mailing).findOneBy({ id: mailingId as string, status: 'paused' }),
      { what: 'the mailing to be paused' },
    );
    expect(mailing.statusReason).toMatch(/^error rate: .*template.*noSuchHelper/);
    const { byStatus } = await readProgress(database.dataSource, mailingId as string);
    expect(byStatus.pending).toBeGreaterThan(150);
    expect(inbox.messages).toEqual([]);
  });

  it('C11 an attachment reaches every recipient with the same bytes', async () => {
    const { sender } = await boot();
    const bytes = Uint8Array.from({ length: 1_000 }, (_, n) => n % 256);
    const info = { ...INFO, attachments: [{ filename: 'leaflet.bin', content: bytes }] };
    await sender.sendEmailMessage(info, people(3), false, true);
    for (const message of inbox.messages) {
      const { attachments } = await message.parsed();
      expect(attachments[0].filename).toBe('leaflet.bin');
      expect(Buffer.compare(attachments[0].content, Buffer.from(bytes))).toBe(0);
    }
  });
});
