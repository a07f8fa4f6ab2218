import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  FieldTooLongError,
  InvalidFieldError,
  type MailingModuleOptions,
  type Recipient,
  type TemplateEmailAttachment,
  type TemplateEmailInfo,
} from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';
import { WebServer } from '../../support/network/web-server.js';

const QUOTES = `a "${'\\"'.repeat(300_000)}`;
const WORD = 'x'.repeat(3_000);
const entries = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`key${n}`, 'a']));
const SENDERS: [string, Partial<MailingModuleOptions>][] = [
  ['the mailer', {}],
  ['bulkSmtp', { bulkSmtp: true }],
];

forEachDatabase('entries of a list over their bounds', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('are skipped with the reason, and the others are sent to', async () => {
    const app = await rig.boot({}, { templates: { 'letter.hbs': '<p>{{name}}</p>' } });
    const list: Recipient[] = [
      { email: QUOTES },
      `${QUOTES} <evil@home.example>`,
      { email: `${'a'.repeat(1_000)} <evil@home.example>` },
      { email: 'long@home.example', name: WORD },
      { email: 'subject@home.example', data: { topic: 'y'.repeat(10_001) } },
      'ann@home.example',
    ];
    const { mailingId, completed } = await app.sender.sendEmailMessage(
      { ...INFO, subject: 'On {{topic}}' },
      list,
      { persist: true },
    );
    expect(await completed).toMatchObject({ numSent: 2, numErrors: 1, numSkipped: 3 });
    const { recipients } = await rig.progress(mailingId as string);
    expect(recipients.map(({ status, errorCode }) => [status, errorCode])).toEqual([
      ['skipped', 'invalid_address'],
      ['skipped', 'invalid_address'],
      ['skipped', 'invalid_address'],
      ['sent', null],
      ['error', 'template'],
      ['sent', null],
    ]);
    expect(recipients[4].errorText).toContain('renders subject with 10004 characters, and at most 10000');
    expect([...rig.inbox.countsByRecipient().keys()].sort()).toEqual([
      'ann@home.example',
      'long@home.example',
    ]);
    const long = rig.inbox.messages.find(({ to }) => to[0] === 'long@home.example');
    expect([(await long?.parsed())?.to].flat()[0]?.value).toEqual([
      { address: 'long@home.example', name: WORD.slice(0, 255) },
    ]);
  });
});

describe.each(SENDERS)('long words through %s', (_, options) => {
  const rig = MailingRig.forEachTest('sqlite');

  it('in subject, names and headers arrive whole, in lines of at most 998 octets', async () => {
    const templates = {
      'letter.hbs': `---\nreplyTo: '"{{topic}}" <desk@shop.example>'\n---\n<p>{{topic}}</p>`,
    };
    const app = await rig.boot(options, { templates });
    const info: TemplateEmailInfo = {
      ...INFO,
      fillFromTemplate: true,
      from: `${'S'.repeat(950)} <news@shop.example>`,
      subject: 'On {{subject}}',
      headers: { 'X-Shop': WORD },
    };
    const data = { subject: WORD, topic: 'T'.repeat(950) };
    await app.sender.sendEmailMessage(info, [{ email: 'ann@home.example', data }], false);
    const [message] = rig.inbox.messages;
    const lines = message.raw.toString('latin1').split('\r\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(998);
    const { subject, from, replyTo, html, text } = await message.parsed();
    expect(subject).toBe(`On ${WORD}`);
    expect(from?.value).toEqual([{ address: 'news@shop.example', name: 'S'.repeat(950) }]);
    expect(replyTo?.value).toEqual([{ address: 'desk@shop.example', name: data.topic }]);
    expect(String(html).trim()).toBe(`<p>${data.topic}</p>`);
    expect(text?.trim()).toBe(data.topic);
  });

  it('html with 2,500 nested tags, or 100,000, is sent with a text part', async () => {
    const nested = (depth: number): string =>
      `<b>`.repeat(depth) + '<p>Dear <a href="https://shop.example">reader</a></p>' + '</b>'.repeat(depth);
    const templates = { 'deep.hbs': nested(2_500), 'letter.hbs': '{{{pasted}}}' };
    const app = await rig.boot(options, { templates });
    const list = [2_500, 100_000].map((depth, n) => ({
      email: `reader${n}@home.example`,
      data: { pasted: nested(depth) },
    }));
    const deep = { ...INFO, templateUrl: 'deep.hbs' };
    await app.sender.sendEmailMessage(INFO, list, false);
    await app.sender.sendEmailMessage(deep, ['ann@home.example'], false);
    expect(rig.inbox.messages.map(({ to }) => to[0]).sort()).toEqual([
      'ann@home.example',
      'reader0@home.example',
      'reader1@home.example',
    ]);
    for (const message of rig.inbox.messages) {
      const depth = message.to[0] === 'reader1@home.example' ? 100_000 : 2_500;
      const source = message.raw.toString();
      expect(source).toContain('Content-Type: text/plain');
      // Without a text part, the test's parser would derive one from the html.
      expect(source.split('Content-Type: text/html')[0]).toContain('Dear reader [https://shop.example]');
      expect(String((await message.parsed()).html).trim()).toBe(nested(depth));
    }
  });
});

describe('a request over its bounds', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const refusal = async (more: Partial<TemplateEmailInfo>): Promise<unknown> => {
    const { sender } = rig.apps[0] ?? (await rig.boot());
    return sender.sendEmailMessage({ ...INFO, ...more }, ['ann@home.example'], false).catch((error) => error);
  };

  it.each<[string, Partial<TemplateEmailInfo>]>([
    ['subject', { subject: 'x'.repeat(10_001) }],
    ['from', { from: `${QUOTES} <news@shop.example>` }],
    ['messageTo', { messageTo: `${QUOTES} <news@shop.example>` }],
    ['replyTo', { replyTo: 'a@b.example,'.repeat(5_000) }],
    ['cc', { cc: QUOTES }],
    ['bcc', { bcc: '('.repeat(50_001) }],
    ['templateUrl', { templateUrl: 'x'.repeat(1_001) }],
    ['altTemplateUrl', { altTemplateUrl: 'x'.repeat(1_001) }],
    ['headers["X-Shop"]', { headers: { 'X-Shop': 'x'.repeat(10_001) } }],
    ['attachments[0].filename', { attachments: [{ filename: 'x'.repeat(256), content: 'a' }] }],
    ['attachments[0].cid', { attachments: [{ filename: 'a', content: 'a', cid: 'x'.repeat(256) }] }],
    ['attachments[0].contentType', { attachments: [{ filename: 'a', content: 'a', contentType: QUOTES }] }],
    ['attachments[0].path', { attachments: [{ filename: 'a', path: `/${'x'.repeat(4_096)}` }] }],
    [
      'attachments[0].href',
      { attachments: [{ filename: 'a', href: `https://shop.example/${WORD.repeat(3)}` }] },
    ],
  ])('names %s, and does not show its value', async (field, more) => {
    const error = (await refusal(more)) as FieldTooLongError;
    expect(error).toBeInstanceOf(FieldTooLongError);
    expect(error).toMatchObject({ code: 'MAILING_FIELD_TOO_LONG', field });
    expect(error.numCharacters).toBeGreaterThan(error.maxCharacters);
    expect(error.message.length).toBeLessThan(200);
    expect(rig.inbox.messages).toEqual([]);
  });

  const named = (length: number): string => `${'n'.repeat(length - 20)} <news@shop.example>`;
  const padded = (length: number): string => 'desk@shop.example'.padEnd(length);
  const attached = (more: Partial<TemplateEmailAttachment>): Partial<TemplateEmailInfo> => ({
    attachments: [{ filename: 'a', content: 'a', ...more }],
  });

  it.each<[string, number, (length: number) => Partial<TemplateEmailInfo>]>([
    ['from', 1_000, (length) => ({ from: named(length) })],
    ['messageTo', 1_000, (length) => ({ messageTo: named(length) })],
    ['replyTo', 25_000, (length) => ({ replyTo: padded(length) })],
    ['cc', 25_000, (length) => ({ cc: padded(length) })],
    ['bcc', 25_000, (length) => ({ bcc: padded(length) })],
    ['attachments[0].filename', 255, (length) => attached({ filename: 'x'.repeat(length) })],
    ['attachments[0].cid', 255, (length) => attached({ cid: 'x'.repeat(length) })],
    ['attachments[0].contentType', 255, (length) => attached({ contentType: 'text/'.padEnd(length, 'x') })],
  ])('names %s of more than %i characters, and accepts exactly as many', async (field, most, infoOf) => {
    const tooLong = { numCharacters: most + 1, maxCharacters: most };
    expect(await refusal(infoOf(most + 1))).toMatchObject({
      code: 'MAILING_FIELD_TOO_LONG',
      field,
      ...tooLong,
    });
    expect(rig.inbox.messages).toEqual([]);
    expect(await refusal(infoOf(most))).not.toBeInstanceOf(Error);
    expect(rig.inbox.messages).toHaveLength(1);
  });

  it('names the href of an attachment of more than 8,192 characters, and requests one of exactly as many', async () => {
    await using web = new WebServer();
    const root = await web.start((_, response) => response.end('a file'));
    const href = (length: number): string => `${root}/`.padEnd(length, 'x');
    const infoOf = (length: number) => ({ attachments: [{ filename: 'a.txt', href: href(length) }] });
    const field = 'attachments[0].href';
    expect(await refusal(infoOf(8_193))).toMatchObject({ code: 'MAILING_FIELD_TOO_LONG', field });
    expect(web.asked).toBe(0);
    expect(await refusal(infoOf(8_192))).not.toBeInstanceOf(Error);
    const [{ attachments }] = await Promise.all(rig.inbox.messages.map((one) => one.parsed()));
    expect(attachments.map(({ content }) => content.toString())).toEqual(['a file']);
  });

  it.each<[string, number, (length: number) => Partial<TemplateEmailInfo>, string]>([
    ['templateUrl', 1_000, (length) => ({ templateUrl: 'x'.repeat(length) }), 'MAILING_TEMPLATE_MISSING'],
    [
      'altTemplateUrl',
      1_000,
      (length) => ({ altTemplateUrl: 'x'.repeat(length) }),
      'MAILING_TEMPLATE_MISSING',
    ],
    [
      'attachments[0].path',
      4_096,
      (length) => ({ attachments: [{ filename: 'a', path: '/'.padEnd(length, 'x') }] }),
      'MAILING_FIELD_INVALID',
    ],
  ])(
    'names %s of more than %i characters, and looks for a file of exactly as many',
    async (field, most, infoOf, code) => {
      expect(await refusal(infoOf(most + 1))).toMatchObject({ code: 'MAILING_FIELD_TOO_LONG', field });
      expect(await refusal(infoOf(most))).toMatchObject({ code });
    },
  );

  it.each<[string, Record<string, string>, string]>([
    [
      'a structured header with a word longer than a line',
      { 'List-Help': `<https://x.example/${WORD}>` },
      'List-Help',
    ],
    ['an id longer than a line', { References: `<${WORD}@x.example>` }, 'References'],
    ['a name of 77 characters', { [`X-${'a'.repeat(75)}`]: 'a' }, '…'],
    ['101 headers', Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`X-${n}`, 'a'])), 'headers'],
  ])('is refused for %s', async (_, headers, words) => {
    const error = (await refusal({ headers })) as InvalidFieldError;
    expect(error).toBeInstanceOf(InvalidFieldError);
    expect(error.message).toContain(words);
    expect(error.message.length).toBeLessThan(400);
  });

  it('is refused for 101 entries of trackingData before any of them is read', async () => {
    let numReads = 0;
    const trackingData = new Proxy(entries(101), { get: () => void numReads++ });
    expect(await refusal({ trackingData })).toMatchObject({
      code: 'MAILING_FIELD_INVALID',
      field: 'trackingData',
      message: expect.stringContaining('at most 100 entries, got 101.') as string,
    });
    expect(numReads).toBe(0);
    expect(await refusal({ trackingData: entries(100) })).not.toBeInstanceOf(Error);
  });

  it('at its bounds is sent', async () => {
    const headers = { 'X-Shop': 'x'.repeat(10_000), 'List-Help': `<https://x.example/${'x'.repeat(880)}>` };
    const subject = 'x'.repeat(10_000);
    expect(await refusal({ headers, subject })).not.toBeInstanceOf(Error);
    expect((await rig.inbox.messages[0].parsed()).subject).toBe(subject);
    const lines = rig.inbox.messages[0].raw.toString('latin1').split('\r\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(998);
  });

  it('is refused for a template file that is too large to be sent, before it is read', async () => {
    const app = await rig.boot();
    await writeFile(join(app.templateDir, 'huge.hbs'), Buffer.alloc(12 * 1024 * 1024 + 1, 'x'));
    expect(await refusal({ templateUrl: 'huge.hbs' })).toMatchObject({
      code: 'MAILING_FIELD_INVALID',
      field: 'templateUrl',
    });
  });
});
