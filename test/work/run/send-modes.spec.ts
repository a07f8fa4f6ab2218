import { Mailing, UserMailing, EmailAddress, type Recipient } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { assertProgressAddsUp, readProgress } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../../support/databases/fresh-database.js';
import { type MailingApp, mailingApp } from '../../support/hosts/mailing-app.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';

const INFO = { templateUrl: 'letter.hbs', subject: 'Hello {{name}}', from: 'The Shop <news@shop.example>' };

const people = (count: number): Recipient[] =>
  Array.from({ length: count }, (_, n) => ({ email: `reader${n}@home.example`, name: `Reader ${n}` }));

forEachDatabase('sendEmailMessage', (kind) => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  let app: MailingApp;

  beforeEach(async () => {
    database = await freshDatabase(kind);
    inbox = await SmtpInbox.start();
    app = await mailingApp({ databaseUrl: database.url, smtpUrl: inbox.url });
  });

  afterEach(async () => {
    await app.close();
    await inbox.close();
    await database.dispose();
  });

  const everyoneOnce = (count: number): Map<string, number> =>
    new Map(Array.from({ length: count }, (_, n) => [`reader${n}@home.example`, 1]));

  it('persisted, in the background: stores the list at once, and sends afterwards', async () => {
    const handle = await app.sender.sendEmailMessage(INFO, people(100), true, true);
    expect(handle).toMatchObject({ numProfiles: 100, numDuplicates: 0 });
    // Of version 7, so that ids sort by time.
    expect(handle.mailingId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/);
    const before = await app.query.get(handle.mailingId as string);
    expect(before?.numProfiles).toBe(100);
    expect(await handle.completed).toMatchObject({
      status: 'completed',
      numSent: 100,
      numErrors: 0,
      numSkipped: 0,
    });
    expect(inbox.countsByRecipient()).toEqual(everyoneOnce(100));
    assertProgressAddsUp(await readProgress(database.dataSource, handle.mailingId as string));
  });

  it('persisted, in the foreground: has finished when it resolves', async () => {
    const { mailingId } = await app.sender.sendEmailMessage(INFO, people(30), false, true);
    expect(await app.query.get(mailingId as string)).toMatchObject({ status: 'completed', numSent: 30 });
    expect(inbox.countsByRecipient()).toEqual(everyoneOnce(30));
  });

  it('not persisted, in the foreground: has finished when it resolves', async () => {
    await app.sender.sendEmailMessage(INFO, people(30), false);
    expect(inbox.countsByRecipient()).toEqual(everyoneOnce(30));
  });

  it.each([true, false])(
    'not persisted (in the background: %s): sends, and writes nothing',
    async (separate) => {
      const handle = await app.sender.sendEmailMessage(
        INFO,
        [...people(30), 'reader3@HOME.example', 'nonsense'],
        separate,
      );
      expect(handle.mailingId).toBeNull();
      expect(await handle.completed).toMatchObject({
        status: 'completed',
        numSent: 30,
        numSkipped: 1,
        numProfiles: 31,
      });
      expect(inbox.countsByRecipient()).toEqual(everyoneOnce(30));
      for (const entity of [Mailing, UserMailing, EmailAddress]) {
        expect(await database.dataSource.getRepository(entity).count()).toBe(0);
      }
    },
  );

  it('takes the options as an object, too, and persists unless it says otherwise', async () => {
    const { mailingId } = await app.sender.sendEmailMessage(INFO, people(3), { runInSeparateThread: false });
    expect(await app.query.get(mailingId as string)).toMatchObject({ status: 'completed', numSent: 3 });
    const options = { runInSeparateThread: false, persist: false };
    expect((await app.sender.sendEmailMessage(INFO, people(3), options)).mailingId).toBeNull();
    expect((await app.sender.sendEmailMessage(INFO, people(3))).mailingId).toBeNull();
  });

  it('completes a mailing with an empty list at once', async () => {
    const { completed } = await app.sender.sendEmailMessage(INFO, [], false, true);
    expect(await completed).toMatchObject({
      status: 'completed',
      numProfiles: 0,
      numSent: 0,
      numErrors: 0,
      numSkipped: 0,
    });
  });

  it('C15 sends one copy to a recipient that is listed twice, and counts the duplicate', async () => {
    const spellings = [
      'A@x.example',
      'a@x.example',
      ' a@x.example ',
      'a@X.EXAMPLE',
      'Ann <a@x.example>',
      'z@bücher.example',
      'z@xn--bcher-kva.example',
    ];
    const { completed, numDuplicates } = await app.sender.sendEmailMessage(INFO, spellings, true, true);
    expect(numDuplicates).toBe(5);
    expect(await completed).toMatchObject({ numProfiles: 2, numSent: 2 });
    expect([...inbox.countsByRecipient().values()]).toEqual([1, 1]);
  });

  it('B3 skips only entries that are no addresses, and counts them', async () => {
    const garbage = ['.', '0', '', null, '   ', '"a@b.c', 'a@b,c@d', `${'x'.repeat(310)}@b.example`, 5, {}];
    const list = [...people(3), ...(garbage as Recipient[]), 'last@home.example'];
    const { completed, mailingId } = await app.sender.sendEmailMessage(INFO, list, true, true);
    expect(await completed).toMatchObject({
      status: 'completed',
      numProfiles: 14,
      numSent: 4,
      numSkipped: 10,
    });
    const progress = await readProgress(database.dataSource, mailingId as string);
    assertProgressAddsUp(progress);
    expect(
      progress.recipients
        .filter((one) => one.status === 'skipped')
        .every((one) => one.errorCode?.startsWith('invalid_')),
    ).toBe(true);
    expect(inbox.messages).toHaveLength(4);
  });

  it('A4 continues after a long run of recipients that are skipped', async () => {
    const list = [
      ...people(30),
      ...Array.from({ length: 1_200 }, (_, n) => `nonsense ${n}`),
      'last@home.example',
    ];
    const { completed } = await app.sender.sendEmailMessage(INFO, list, true, true);
    expect(await completed).toMatchObject({
      status: 'completed',
      numProfiles: 1_231,
      numSent: 31,
      numSkipped: 1_200,
    });
  });

  it('D13 D14 reads a long list from an async iterable as a stream, in order, and finds duplicates across chunks', async () => {
    async function* many(): AsyncGenerator<Recipient> {
      for (let n = 0; n < 2_500; n++)
        yield { email: `r${n % 2_000}@home.example`, data: { note: 'ü'.repeat(400) } };
    }
    const { completed, numProfiles, numDuplicates, mailingId } = await app.sender.sendEmailMessage(
      INFO,
      many(),
      true,
      true,
    );
    expect({ numProfiles, numDuplicates }).toEqual({ numProfiles: 2_000, numDuplicates: 500 });
    await completed;
    assertProgressAddsUp(await readProgress(database.dataSource, mailingId as string));
    expect(inbox.countsByRecipient().size).toBe(2_000);
    expect(inbox.messages).toHaveLength(2_000);
  });

  it('A18 leaves a failed mailing that sends nothing when the source fails half-way', async () => {
    async function* broken(): AsyncGenerator<Recipient> {
      yield* people(1_500);
      throw new Error('the cursor was closed');
    }
    await expect(app.sender.sendEmailMessage(INFO, broken(), true, true)).rejects.toMatchObject({
      code: 'MAILING_LIST_INCOMPLETE',
      message: expect.stringContaining('the cursor was closed') as string,
    });
    const [mailing] = await database.dataSource.getRepository(Mailing).find();
    expect(mailing).toMatchObject({
      status: 'failed',
      statusReason: 'list incomplete: the cursor was closed',
    });
    await app.restarter.sweep();
    expect(inbox.messages).toHaveLength(0);
  });

  it('C18 renders each message from the recipient’s own data, and does not change the caller’s object', async () => {
    const info = { ...INFO, params: { greeting: 'Hi' }, headers: { 'X-Campaign': 'summer' } };
    const before = structuredClone(info);
    await app.sender.sendEmailMessage(info, people(200), false, true);
    expect(info).toEqual(before);
    for (const message of inbox.messages) {
      const { text, subject, headers } = await message.parsed();
      const number = /^reader(\d+)@/.exec(message.to[0])?.[1];
      expect(text).toContain(`Dear Reader ${number} <${message.to[0]}>`);
      expect(subject).toBe(`Hello Reader ${number}`);
      expect(headers.get('x-campaign')).toBe('summer');
    }
  });

  it('refuses invalid calls before anything is written, each with its own code', async () => {
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    const refusals: [string, object, unknown?][] = [
      ['MAILING_RECIPIENTS_UNKNOWN', {}, 'ann@home.example'],
      ['MAILING_RECIPIENTS_UNKNOWN', {}, 5],
      ['MAILING_RECIPIENTS_UNKNOWN', {}, null],
      ['MAILING_TEMPLATE_MISSING', { templateUrl: 'nowhere.hbs' }],
      ['MAILING_TEMPLATE_OUTSIDE_FOLDER', { templateUrl: '../letter.hbs' }],
      ['MAILING_TEMPLATE_NOT_COMPILING', { subject: '{{#if}' }],
      ['MAILING_FIELD_MISSING', { subject: '' }],
      ['MAILING_FIELD_MISSING', { from: undefined }],
      ['MAILING_HEADER_ADDRESS_INVALID', { from: 'nobody' }],
      ['MAILING_HEADER_ADDRESS_INVALID', { replyTo: 'a@b.example, nobody' }],
      ['MAILING_HEADER_ADDRESS_INVALID', { cc: '@' }],
      ['MAILING_HEADER_ADDRESS_INVALID', { bcc: '' }],
      ['MAILING_HEADER_INJECTION', { subject: 'Hello\r\nBcc: evil@x.example' }],
      ['MAILING_HEADER_INJECTION', { from: 'A <a@b.example>\r\nBcc: evil@x.example' }],
      ['MAILING_HEADER_INJECTION', { headers: { 'X-A': 'b\nBcc: evil@x.example' } }],
      ['MAILING_HEADER_INJECTION', { headers: { 'X-A\r\nBcc': 'evil@x.example' } }],
      ['MAILING_FIELD_INVALID', { headers: { 'Message-ID': '<mine@x.example>' } }],
      ['MAILING_NOT_SERIALIZABLE', { params: { now: () => 1 } }],
      ['MAILING_NOT_SERIALIZABLE', { params: cyclic }],
      ['MAILING_FIELD_INVALID', { attachments: [{ filename: 'a.txt', path: '/no/such/file' }] }],
    ];
    for (const [code, wrong, recipients = people(1)] of refusals) {
      const request = app.sender.sendEmailMessage(
        { ...INFO, ...wrong },
        recipients as Recipient[],
        true,
        true,
      );
      await expect(request).rejects.toMatchObject({ code });
    }
    expect(await database.dataSource.getRepository(Mailing).count()).toBe(0);
    expect(inbox.messages).toHaveLength(0);
  });
});
