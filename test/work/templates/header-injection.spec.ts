import { MailingError, type Recipient, type TemplateEmailInfo } from 'nestjs-mailing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../../support/databases/fresh-database.js';
import { type MailingApp, mailingApp } from '../../support/hosts/mailing-app.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';
import type { ReceivedMessage } from '../../support/network/received-message.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';

const ANN = 'ann@home.example';
const EVIL = 'evil@x.example';
const INFO = { templateUrl: 'letter.hbs', subject: 'For {{name}}', from: 'The Shop <news@shop.example>' };

const ATTACKS = ['\r\n', '\n', '\r', '\u2028', '\u2029', '\u0085', '\u0000', '\r\n\r\n'].map(
  (end) => `${end}Bcc: ${EVIL}`,
);

/** Every input that ends up in the head of a message or in its envelope. */
const INPUTS: [string, (attack: string) => { info?: Partial<TemplateEmailInfo>; recipient?: Recipient }][] = [
  ['the name of a recipient', (attack) => ({ recipient: { email: ANN, name: `Ann${attack}` } })],
  ['the address of a recipient', (attack) => ({ recipient: `${ANN}${attack}` })],
  ['the text before the address of a recipient', (attack) => ({ recipient: { email: `${attack}${ANN}` } })],
  ['the name before an address', (attack) => ({ recipient: `Ann${attack} <${ANN}>` })],
  ['a variable of the subject', (attack) => ({ recipient: { email: ANN, data: { name: `A${attack}` } } })],
  ['the name of a profile', () => ({ recipient: { userId: 'named' } })],
  ['the address of a profile', () => ({ recipient: { userId: 'addressed' } })],
  ['a variable of the front matter', (attack) => frontMatter({ shop: `A${attack}` })],
  ['an address of the front matter', (attack) => frontMatter({ reply: `a@b.example${attack}` })],
  ['the name of the sender', (attack) => ({ info: { from: `Shop${attack} <news@shop.example>` } })],
  ['the address of the sender', (attack) => ({ info: { from: `news@shop.example${attack}` } })],
  ['the subject', (attack) => ({ info: { subject: `Hello${attack}` } })],
  ['the parameters of the subject', (attack) => ({ info: { params: { name: `A${attack}` } } })],
  ['the reply address', (attack) => ({ info: { replyTo: `a@b.example${attack}` } })],
  ['the copies', (attack) => ({ info: { cc: `cc@b.example${attack}` } })],
  ['messageTo', (attack) => ({ info: { messageTo: `${ANN}${attack}` } })],
  ['a header', (attack) => ({ info: { headers: { 'X-Campaign': `a${attack}` } } })],
  ['the name of a header', (attack) => ({ info: { headers: { [`X-A${attack}`]: 'a' } } })],
  ['the name of a file', (attack) => ({ info: { attachments: [{ filename: `a${attack}`, content: 'a' }] } })],
];

/** Of every message of these tests. */
const NAMES = new Set(
  'from to cc reply-to subject date message-id mime-version content-type content-transfer-encoding x-mailing-id x-campaign x-a'.split(
    ' ',
  ),
);

function frontMatter(data: Record<string, string>): {
  info: Partial<TemplateEmailInfo>;
  recipient: Recipient;
} {
  return { info: { templateUrl: 'front.hbs', fillFromTemplate: true }, recipient: { email: ANN, data } };
}

function headOf(message: ReceivedMessage): string {
  return message.raw.toString('utf8').split('\r\n\r\n', 1)[0];
}

describe('C1 hostile input', () => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  let app: MailingApp;

  beforeAll(async () => {
    database = await freshDatabase('sqlite');
    inbox = await SmtpInbox.start();
    const front = `---\nfrom: '"{{shop}}" <news@shop.example>'\nreplyTo: '{{reply}}'\nsubject: 'For {{name}}'\n---\n<p>A</p>`;
    app = await mailingApp({
      databaseUrl: database.url,
      smtpUrl: inbox.url,
      templates: { 'letter.hbs': '<p>A letter</p>', 'front.hbs': front },
      mailing: { profileRepository: ProfileShelf, addresses: { unicodeLocalParts: 'send' } },
    });
  });

  afterAll(async () => {
    await app.close();
    await inbox.close();
    await database.dispose();
  });

  beforeEach(() => inbox.messages.splice(0));

  it.each(INPUTS)('adds neither a header nor a recipient: %s', async (_, inputOf) => {
    // Without an attack the message arrives, so nothing else holds it back.
    for (const attack of ['', ...ATTACKS]) {
      ProfileShelf.profiles.set('named', { email: ANN, name: `Ann${attack}` });
      ProfileShelf.profiles.set('addressed', { email: `${ANN}${attack}` });
      const { info, recipient = ANN } = inputOf(attack);
      const how = { runInSeparateThread: false, persist: true };
      // The call is refused with a reason, or that recipient is skipped or an error, or the text is made harmless.
      const refusal = await app.sender
        .sendEmailMessage({ ...INFO, ...info }, [recipient], how)
        .then(() => null)
        .catch((error: unknown) => error);
      expect(refusal === null || refusal instanceof MailingError).toBe(true);
      expect(attack !== '' || inbox.messages.length === 1).toBe(true);
      for (const message of inbox.messages) {
        expect(message.to.filter((one) => one !== ANN && one !== 'cc@b.example')).toEqual([]);
        const names = headOf(message)
          .split('\r\n')
          .filter((line) => !/^[ \t]/.test(line))
          .map((line) => line.slice(0, line.indexOf(':')).toLowerCase());
        expect(names.filter((name) => !NAMES.has(name))).toEqual([]);
        const parsed = await message.parsed();
        expect([parsed.headers.has('bcc'), JSON.stringify(parsed.to)]).toEqual([
          false,
          expect.not.stringContaining(`"address":"${EVIL}"`),
        ]);
        expect(parsed.html).toMatch(/^<p>A/);
      }
      inbox.messages.splice(0);
    }
  });
});
