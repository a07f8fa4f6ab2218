import { simpleParser } from 'mailparser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmailMessage } from '../../libs/mailing/src/model/ports/email-message.sender.js';
import type { ReceivedMessage } from '../support/network/received-message.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { type SenderRig, senderRig, type SenderRigOptions } from './sender-rig.js';

/** RFC 5322 section 2.1.1, in octets without the line break. */
const MAX_LINE = 998;
const LETTERS = 'abcdefghij'.repeat(300);
const PICTURE = { filename: 'a.png', content: Buffer.from('picture'), cid: 'a' };

/** Each sender composes messages differently. */
const WAYS: [string, SenderRigOptions, Partial<EmailMessage>][] = [
  ['the mailer, composed here', {}, {}],
  ['the mailer behind a plugin, composed by nodemailer', { transport: { attachDataUrls: true } }, {}],
  ['the mailer with a picture of the html', {}, { attachments: [PICTURE] }],
  ['bulkSmtp', { isBulk: true }, {}],
  ['bulkSmtp with a picture of the html', { isBulk: true }, { attachments: [PICTURE] }],
];

const TEXTS: [string, string][] = [
  ['3,000 letters without a space', LETTERS],
  ['a short word and 3,000 letters', `Hello ${LETTERS} there`],
  ['3,000 characters that mail software escapes', '"\\<>,;:@'.repeat(375)],
  ['3,000 letters that are not ASCII', 'ä'.repeat(3_000)],
  ['3,000 characters of four bytes', '😀'.repeat(1_500)],
  ['what looks encoded', `=?utf-8?Q?${LETTERS}?=`],
  ['words of 899 letters', `${LETTERS.slice(0, 899)} ${LETTERS.slice(0, 899)}`],
];

/** Decoded as text, because the parser does not decode unknown headers. */
async function shopHeaderOf(message: ReceivedMessage): Promise<string | undefined> {
  return (await simpleParser(`Subject: ${message.header('X-Shop')}\r\n\r\n`)).subject;
}

describe.each(WAYS)('long headers through %s', (_, options, more) => {
  let inbox: SmtpInbox;
  let rig: SenderRig;

  beforeAll(async () => {
    inbox = await SmtpInbox.start();
    rig = await senderRig(inbox.url, options);
    rig.sender.prepare();
  });

  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    await inbox.close();
  });

  const send = async (message: Partial<EmailMessage>): Promise<ReceivedMessage> => {
    inbox.messages.splice(0);
    expect(await rig.send({ ...more, ...message })).toEqual({ kind: 'accepted' });
    const [received] = inbox.messages;
    const lines = received.raw.toString('latin1').split('\r\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(MAX_LINE);
    // A line of spaces alone may be taken for the end of the headers.
    expect(lines.filter((line) => /^[ \t]+$/.test(line))).toEqual([]);
    return received;
  };

  it.each(TEXTS)('a subject of %s arrives whole, in lines of allowed length', async (_name, subject) => {
    expect((await (await send({ subject })).parsed()).subject).toBe(subject);
  });

  it.each(TEXTS)('names of %s arrive whole, and no address with them', async (_name, name) => {
    const mailbox = { name, address: 'ann@home.example' };
    const other = { name: 'Bob', address: 'bob@home.example' };
    const received = await send({ from: mailbox, to: mailbox, cc: [mailbox, other], replyTo: [mailbox] });
    expect([...received.to].sort()).toEqual(['ann@home.example', 'bob@home.example']);
    const { from, to, cc, replyTo } = await received.parsed();
    expect(from?.value).toEqual([mailbox]);
    expect([to].flat()[0]?.value).toEqual([mailbox]);
    expect([cc].flat()[0]?.value).toEqual([mailbox, other]);
    expect(replyTo?.value).toEqual([mailbox]);
  });

  it.each(TEXTS)('a further header of %s arrives whole', async (_name, value) => {
    expect(await shopHeaderOf(await send({ headers: { 'X-Mailing-Id': 'm', 'X-Shop': value } }))).toBe(value);
  });

  it('a header with 3,000 spaces in it arrives whole', async () => {
    const value = `a${' '.repeat(3_000)}b`;
    expect(await shopHeaderOf(await send({ headers: { 'X-Mailing-Id': 'm', 'X-Shop': value } }))).toBe(value);
  });

  it('links of 900 characters in List-Unsubscribe arrive unchanged', async () => {
    const link = (scheme: string): string => `<${scheme}${'a'.repeat(899 - scheme.length)}>`;
    const value = `${link('https://shop.example/')}, ${link('mailto:')}`;
    const received = await send({ headers: { 'X-Mailing-Id': 'm', 'List-Unsubscribe': value } });
    expect(received.header('List-Unsubscribe')).toBe(value);
  });
});
