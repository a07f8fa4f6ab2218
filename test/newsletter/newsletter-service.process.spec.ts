import { openAsBlob } from 'node:fs';
import { MailBatch } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { HostConfigurationError, readConfiguration } from '../../src/configuration/host-configuration.js';
import { NewsletterRig } from '../support/hosts/newsletter-rig.js';
import { NewsletterService } from '../support/hosts/newsletter-service.js';
import { waitUntil } from '../support/wait-until.js';

const LETTER = {
  subject: 'Hi {{name}}',
  from: 'news@shop.example',
  headline: 'Summer & sun',
  text: 'Peaches.',
};

describe('the newsletter service', () => {
  const rig = NewsletterRig.forAllTests();

  it('takes a CSV upload, and sends each reader a personal message in text and html', async () => {
    const form = new FormData();
    for (const [field, value] of Object.entries(LETTER)) form.set(field, value);
    form.set('recipients', await openAsBlob('src/demo/recipients.csv'), 'recipients.csv');
    const { status, answer } = await rig.service.post(form);
    expect(status).toBe(202);
    expect(answer).toMatchObject({ numProfiles: 2_000, numDuplicates: 0 });
    expect(await rig.service.completed(String(answer.id))).toMatchObject({ numSent: 2_000, numErrors: 0 });
    const letter = rig.inbox.messages.find(({ to }) => to[0] === 'reader0003@letters.example.org');
    const parsed = await letter?.parsed();
    expect(parsed?.subject).toBe('Hi Αλέξανδρος Νικολάου');
    expect(parsed?.text).toContain('Summer & sun');
    expect(parsed?.text).toContain('See you soon in Lisbon!');
    expect(parsed?.html).toContain('<h1 style="margin:0;font-size:26px">Summer &amp; sun</h1>');
    expect(letter?.header('X-Mailing-Id')).toBe(answer.id);
  });

  it('takes JSON, and reports the state of the mailing', async () => {
    const { status, answer } = await rig.service.post(
      JSON.stringify({
        ...LETTER,
        recipients: ['ann@home.example', { email: 'bob@home.example', name: 'Bob' }],
      }),
    );
    expect(status).toBe(202);
    expect(await rig.service.completed(String(answer.id))).toMatchObject({ status: 'completed', numSent: 2 });
  });

  it('executes commands of an operator, and lists recipients with their outcomes', async () => {
    const refused = 'gone@home.example';
    rig.inbox.answer = ({ command, to }) =>
      command === 'RCPT' && to.includes(refused) ? { code: 550, text: '5.1.1 no such user' } : undefined;
    const { answer } = await rig.service.post(
      JSON.stringify({ ...LETTER, recipients: ['ann@home.example', refused] }),
    );
    const id = String(answer.id);
    expect(await rig.service.completed(id)).toMatchObject({ numSent: 1, numErrors: 1 });
    const errors = await rig.service.recipients(id, 'status=error');
    expect(errors).toMatchObject([{ email: refused, errorCode: '5.1.1', idx: 1 }]);
    expect(await rig.service.recipients(id, 'afterIdx=1')).toEqual([]);
    rig.inbox.answer = undefined;
    expect(await rig.service.order(id, 'retry?which=errors')).toEqual({ status: 200, answer: { count: 1 } });
    await waitUntil(async () => (await rig.service.get(id)).numSent === 2, { what: 'the second attempt' });
    await rig.service.completed(id);
    for (const order of ['pause', 'resume', 'cancel']) {
      expect(await rig.service.order(id, order)).toEqual({ status: 200, answer: { status: 'completed' } });
    }
    expect(await rig.service.order(id, 'settle-in-doubt?as=sent')).toMatchObject({ answer: { count: 0 } });
    expect(await rig.service.order(id, 'retry?which=all')).toMatchObject({ status: 400 });
    expect(await rig.service.order('nothing', 'pause')).toMatchObject({
      status: 404,
      answer: { code: 'MAILING_NOT_FOUND' },
    });
  });

  it('A17 sends the same Idempotency-Key once', async () => {
    const body = JSON.stringify({ ...LETTER, recipients: ['ann@home.example'] });
    const [first, again] = [
      await rig.service.post(body, { 'idempotency-key': 'summer' }),
      await rig.service.post(body, { 'idempotency-key': 'summer' }),
    ];
    expect(again).toEqual({ status: 202, answer: { ...first.answer, numDuplicates: null } });
  });

  it('answers a wrong request with the reason', async () => {
    const wrong = async (body: object): Promise<unknown> => rig.service.post(JSON.stringify(body));
    expect(await wrong({ ...LETTER })).toMatchObject({ status: 400 });
    expect(await wrong({ ...LETTER, recipients: [], typo: 1 })).toMatchObject({ status: 400 });
    expect(await wrong({ ...LETTER, from: 'nobody', recipients: [] })).toMatchObject({
      status: 400,
      answer: { code: 'MAILING_HEADER_ADDRESS_INVALID' },
    });
    expect(await rig.service.get('nothing')).toMatchObject({ statusCode: 404 });
    const form = new FormData();
    for (const [field, value] of Object.entries(LETTER)) form.set(field, value);
    form.set('recipients', new Blob(['address\nann@home.example\n']), 'recipients.csv');
    expect(await rig.service.post(form)).toMatchObject({
      status: 400,
      answer: { code: 'MAILING_LIST_INCOMPLETE' },
    });
  });

  it.each([
    ['PORT', '70000'],
    ['DATABASE_URL', 'oracle://x'],
    ['SMTP_URL', 'localhost:25'],
    ['MAILING_IN_DOUBT', 'maybe'],
    ['MAILING_TAKES_BATCHES', 'yes'],
    ['MAILING_BATCH_THREADS', '0'],
  ])('does not start with a wrong %s, and names it', (name, value) => {
    const read = (): unknown => readConfiguration({ [name]: value });
    expect(read).toThrow(HostConfigurationError);
    expect(read).toThrow(name);
  });

  it('sends in batches if requested, in JSON and in a form', async () => {
    const taking = await NewsletterService.start({
      databaseUrl: rig.database.url,
      smtpUrl: rig.inbox.url,
      serverId: 'test:2',
      env: { MAILING_TAKES_BATCHES: 'true', MAILING_EMAILS_PER_BATCH: '2', MAILING_POLL_INTERVAL_MS: '50' },
    });
    try {
      const recipients = ['a@home.example', 'b@home.example', 'c@home.example'];
      const json = await taking.post(JSON.stringify({ ...LETTER, batched: true, recipients }));
      const form = new FormData();
      for (const [field, value] of Object.entries({ ...LETTER, batched: 'true' })) form.set(field, value);
      form.set('recipients', new Blob(['email\na@home.example\n']), 'recipients.csv');
      // The server that wrote it takes no batches, so the other server sends it.
      const upload = await rig.service.post(form);
      for (const { answer } of [json, upload]) {
        const { numErrors } = await taking.completed(String(answer.id));
        expect(numErrors).toBe(0);
        const where = { mailingId: String(answer.id), uniqServerId: 'test:2' };
        expect(await rig.database.dataSource.getRepository(MailBatch).countBy(where)).toBe(
          answer === json.answer ? 2 : 1,
        );
      }
    } finally {
      await taking.stop();
    }
  });

  it('parses the migration list', () => {
    expect(readConfiguration({ MAILING_MIGRATION_LIST: 'a:1, b:2,' }).MAILING_MIGRATION_LIST).toEqual([
      'a:1',
      'b:2',
    ]);
  });
});
