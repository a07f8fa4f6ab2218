import fc from 'fast-check';
import type { ParsedMail } from 'mailparser';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { describe, expect, it } from 'vitest';
import type { EmailMessage } from '../../libs/mailing/src/model/ports/email-message.sender.js';
import { isAscii } from '../../libs/mailing/src/delivery/mime/is-ascii.js';
import { MESSAGE, senderRig } from '../delivery/sender-rig.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';

/** Text fragments that are hard for encoders. */
const PIECES = [
  'plain words ',
  'Grüße ',
  'こんにちは ',
  '👩‍👩‍👧 ',
  '. ',
  '\n.\n',
  '\n..two\n',
  '\r\n.\r\nMAIL FROM:<x@y.example>\r\n',
  '\n',
  '\r\n',
  '=3D = ',
  ' trailing \n',
  'From me\n',
  'x'.repeat(400),
  'ü'.repeat(500),
  '文字だけの長い行。'.repeat(40),
  '<b>bold</b> ',
  '\t',
];
const body = fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map((all) => all.join(''));
const line = fc.array(
  fc.constantFrom('Hello ', 'Ärger ', '你好 ', '"quoted" ', '=?x?= ', 'w'.repeat(60), ', ; <a> '),
  {
    maxLength: 5,
  },
);
const name = line.map((all) => all.join('').trim());
const mailbox = (address: string) => name.map((one) => ({ name: one, address }));
const message = fc.record(
  {
    from: mailbox('news@xn--bcher-kva.example'),
    to: mailbox('ann+tag@home.example'),
    subject: name,
    html: body,
    text: body,
    replyTo: fc.array(mailbox('answers@shop.example'), { minLength: 1, maxLength: 2 }),
    cc: fc.array(mailbox('archive@shop.example'), { minLength: 1, maxLength: 1 }),
    headers: fc.record({ 'X-Mailing-Id': fc.constant('0197'), 'X-Note': name.map((one) => one || 'none') }),
    attachments: fc.array(
      fc.record({
        filename: fc.constantFrom('a.txt', 'Übersicht.pdf'),
        content: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      }),
      { minLength: 1, maxLength: 2 },
    ),
  },
  { requiredKeys: ['from', 'to', 'subject', 'headers'] },
);

describe('both senders', () => {
  it('write messages that parse like those of nodemailer', { timeout: 120_000 }, async () => {
    await using inbox = await SmtpInbox.start();
    await using mailer = await senderRig(inbox.url);
    await using bulk = await senderRig(inbox.url, { isBulk: true });
    const nodemailer = createTransport(inbox.url, { pool: true, maxConnections: 1 } as object);
    mailer.sender.prepare();
    bulk.sender.prepare();

    await fc.assert(
      fc.asyncProperty(message, async (one) => {
        const sent = { ...MESSAGE, html: undefined, text: undefined, ...one } as EmailMessage;
        const before = inbox.messages.length;
        await nodemailer.sendMail(sent as SendMailOptions);
        expect(await mailer.send(sent)).toEqual({ kind: 'accepted' });
        expect(await bulk.send(sent)).toEqual({ kind: 'accepted' });
        const [theirs, ...ours] = inbox.messages.slice(before);
        expect(ours).toHaveLength(2);
        for (const own of ours) {
          expect(fieldsOf(await own.parsed())).toEqual(fieldsOf(await theirs.parsed()));
          expect({ from: own.from, to: own.to }).toEqual({ from: theirs.from, to: theirs.to });
          // RFC 5321 section 4.5.3.1.6 and 2.3.8.
          const raw = own.raw.toString('latin1');
          expect(Math.max(...raw.split('\r\n').map(({ length }) => length))).toBeLessThanOrEqual(998);
          expect(raw.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
        }
        // The mailer's sender does not know whether its server supports 8BITMIME.
        expect(isAscii(ours[0].raw.toString('latin1'))).toBe(true);
      }),
      { numRuns: 300 },
    );
    nodemailer.close();
  });
});

function fieldsOf(mail: ParsedMail): object {
  const { subject, from, to, cc, replyTo, messageId, html, text, attachments } = mail;
  return {
    subject,
    from: from?.value,
    to: [to].flat().map((one) => one?.value),
    cc: [cc].flat().map((one) => one?.value),
    replyTo: replyTo?.value,
    messageId,
    note: mail.headers.get('x-note'),
    mailingId: mail.headers.get('x-mailing-id'),
    // A line break at the end, and an empty part, make no difference to a reader.
    html: (html || '').trimEnd(),
    text: (text ?? '').trimEnd(),
    attachments: attachments.map(({ filename, content, contentType }) => ({
      filename,
      contentType,
      content: content.toString('base64'),
    })),
  };
}
