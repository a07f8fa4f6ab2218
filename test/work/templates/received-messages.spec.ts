import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Recipient, TemplateEmailInfo } from 'nestjs-mailing';
import { type FreshDatabase, freshDatabase } from '../../support/databases/fresh-database.js';
import { type MailingApp, mailingApp } from '../../support/hosts/mailing-app.js';
import type { ReceivedMessage } from '../../support/network/received-message.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';

const LONG_LINE = `<p>${'minified '.repeat(2_500)}</p>`;

describe('the message as it arrives', () => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  let app: MailingApp;
  let outside: string;

  beforeAll(async () => {
    database = await freshDatabase('sqlite');
    inbox = await SmtpInbox.start();
    const templates = {
      'letter.hbs': '<p>{{name}} | {{missing}} | {{nothing}}</p>',
      'letter.text.hbs': '{{name}} | {{missing}} | {{nothing}}',
      'long.hbs': LONG_LINE,
      'broken.hbs': '{{#if name}}never closed',
    };
    app = await mailingApp({ databaseUrl: database.url, smtpUrl: inbox.url, templates });
    for (const language of ['en', 'es']) {
      await mkdir(join(app.templateDir, language));
      await writeFile(join(app.templateDir, language, 'welcome.hbs'), `<p>${language}</p>`);
    }
    outside = await mkdtemp(join(tmpdir(), 'outside-'));
    await writeFile(join(outside, 'secret.hbs'), 'secret');
    await symlink(join(outside, 'secret.hbs'), join(app.templateDir, 'link.hbs'));
  });

  afterAll(async () => {
    await app.close();
    await inbox.close();
    await database.dispose();
    await rm(outside, { recursive: true });
  });

  beforeEach(() => inbox.messages.splice(0));

  const send = async (
    recipient: Recipient,
    info: Partial<TemplateEmailInfo> = {},
  ): Promise<ReceivedMessage> => {
    const letter = {
      templateUrl: 'letter.hbs',
      subject: 'For {{name}}',
      from: 'The Shop <news@shop.example>',
    };
    await app.sender.sendEmailMessage({ ...letter, ...info }, [recipient], false);
    expect(inbox.messages).toHaveLength(1);
    return inbox.messages[0];
  };

  it.each([
    'Ann\r\nBcc: evil@x.example',
    'Ann\nBcc: evil@x.example',
    'Ann\u2028Bcc: evil@x.example',
    'Ann\u0000',
  ])('C1 a name such as %j adds neither a header nor a recipient', async (name) => {
    const message = await send({ email: 'ann@home.example', name, data: { name } });
    expect(message.to).toEqual(['ann@home.example']);
    const { headers, subject } = await message.parsed();
    expect(headers.has('bcc')).toBe(false);
    const [head] = message.raw.toString().split('\r\n\r\n', 1);
    expect(head).not.toMatch(/^bcc:/im);
    expect(subject).toMatch(/^For Ann/);
  });

  it('C4 has a Unicode domain in ASCII form', async () => {
    expect((await send('ann@bücher.example')).to).toEqual(['ann@xn--bcher-kva.example']);
  });

  it('C6 has entities in html only', async () => {
    const name = "O'Neill & Söhne <x>";
    const message = await send({ email: 'ann@home.example', name }, { altTemplateUrl: 'letter.text.hbs' });
    const { html, text, subject } = await message.parsed();
    expect(subject).toBe(`For ${name}`);
    expect(text).toContain(name);
    expect(html).toContain('O&#x27;Neill &amp; Söhne &lt;x&gt;');
  });

  it('C7 never contains "null" or "undefined"', async () => {
    const message = await send({ email: 'ann@home.example', data: { nothing: null } });
    const { html, text } = await message.parsed();
    expect(`${String(html)}${text}`).not.toMatch(/null|undefined/);
  });

  it('C9 is not mixed up with that of a template of the same name in another folder', async () => {
    const languages = ['en', 'es', 'en'];
    const texts: string[] = [];
    for (const language of languages) {
      inbox.messages.splice(0);
      const message = await send('ann@home.example', { templateUrl: `${language}/welcome` });
      texts.push(((await message.parsed()).text ?? '').trim());
    }
    expect(texts).toEqual(languages);
  });

  it('C12 has no line over 998 bytes on the wire, and the html is unchanged', async () => {
    const message = await send('ann@home.example', { templateUrl: 'long.hbs' });
    const longest = Math.max(
      ...message.raw
        .toString('latin1')
        .split('\r\n')
        .map((line) => line.length),
    );
    expect(longest).toBeLessThanOrEqual(998);
    expect((await message.parsed()).html).toBe(LONG_LINE);
  });

  it.each([
    ['html and text', {}, true, true],
    ['text only', { sendAsHtml: false }, false, true],
    ['html only', { sendAsText: false }, true, false],
  ])('is sent as %s', async (_, info, hasHtml, hasText) => {
    const message = await send('ann@home.example', info);
    const types = message.raw.toString();
    expect(types.includes('Content-Type: text/html')).toBe(hasHtml);
    expect(types.includes('Content-Type: text/plain')).toBe(hasText);
  });

  it.each([
    ['MAILING_TEMPLATE_OUTSIDE_FOLDER', 'link.hbs'],
    ['MAILING_TEMPLATE_OUTSIDE_FOLDER', '/etc/hostname'],
    ['MAILING_TEMPLATE_NOT_COMPILING', 'broken.hbs'],
    ['MAILING_TEMPLATE_MISSING', 'en'],
  ])('is refused with %s: %s', async (code, templateUrl) => {
    const info = { templateUrl, subject: 'Hello', from: 'news@shop.example' };
    await expect(app.sender.sendEmailMessage(info, [])).rejects.toMatchObject({ code });
  });
});
