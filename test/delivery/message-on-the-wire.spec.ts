import { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { toAddressee } from '../../libs/mailing/src/delivery/recipients/recipient.policy.js';
import { MessageIdentity } from '../../libs/mailing/src/delivery/mime/message-identity.js';
import { MessageComposer } from '../../libs/mailing/src/delivery/mime/message.composer.js';
import type { RenderedEmail } from '../../libs/mailing/src/model/ports/template.renderer.js';
import type { MarkedRecipient } from '../../libs/mailing/src/model/mail/recipient.js';
import type { TemplateEmailInfo } from '../../libs/mailing/src/model/mail/template-email-info.js';
import type { HandOver } from '../../libs/mailing/src/model/ports/email-message.sender.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { type SenderRig, senderRig } from './sender-rig.js';

const INFO: TemplateEmailInfo = {
  templateUrl: 'letter.hbs',
  subject: 'Hello',
  from: 'The Shop <news@bücher.example>',
};
const LETTER: RenderedEmail = { subject: 'Hello', html: '<p>Hello</p>', text: 'Hello' };

describe('a message on the wire', () => {
  let inbox: SmtpInbox;
  let rig: SenderRig;

  beforeEach(async () => {
    inbox = await SmtpInbox.start();
    rig = await senderRig(inbox.url);
    rig.sender.prepare();
  });

  afterEach(async () => {
    await rig[Symbol.asyncDispose]();
    await inbox.close();
  });

  const send = (
    recipient: Omit<MarkedRecipient, 'idx'>,
    info: Partial<TemplateEmailInfo> = {},
    letter: Partial<RenderedEmail> = {},
  ): Promise<HandOver> => {
    const addressee = toAddressee({ idx: 4, ...recipient }, undefined);
    if ('skip' in addressee) throw new Error(`Skipped: ${addressee.text}`);
    const composer = new MessageComposer('0197-mailing', { ...INFO, ...info });
    return rig.send(composer.compose(4, addressee.mailbox, { ...LETTER, ...letter }));
  };
  const headOf = (index: number): string =>
    inbox.messages[index].raw.toString('utf8').split('\r\n\r\n', 1)[0];

  it.each([
    'Ann\r\nBcc: evil@x.example',
    'Ann\nBcc: evil@x.example',
    'Ann\rBcc: evil@x.example',
    'Ann\u2028Bcc: evil@x.example',
    'Ann\u0000\r\n\r\n<p>another body</p>',
    'Ann" <evil@x.example>, "Bob',
    'Ann <evil@x.example>',
    'evil@x.example, Ann',
  ])('C1 gets no further header and no further recipient by the name %j', async (name) => {
    expect(await send({ email: 'ann@home.example', name: 'Ann' })).toEqual({ kind: 'accepted' });
    expect(await send({ email: 'ann@home.example', name })).toEqual({ kind: 'accepted' });
    const [plain, odd] = inbox.messages;
    expect(odd.to).toEqual(['ann@home.example']);
    const namesOf = (index: number): string[] =>
      headOf(index)
        .replace(/\r\n[ \t]+/g, ' ')
        .split('\r\n')
        .map((line) => line.slice(0, line.indexOf(':')));
    expect(namesOf(1)).toEqual(namesOf(0));
    const [one, other] = [await plain.parsed(), await odd.parsed()];
    expect(other.html).toBe(one.html);
    const to = Array.isArray(other.to) ? other.to : [other.to];
    expect(to.flatMap((list) => list?.value.map(({ address }) => address))).toEqual(['ann@home.example']);
  });

  it('C12 has no line over 998 bytes, and keeps html of 20 kB in one line unchanged', async () => {
    const html = `<p>${'<a href="https://shop.example/?q=1">minified</a>'.repeat(450)}</p>`;
    expect(html.length).toBeGreaterThan(20_000);
    expect(await send({ email: 'ann@home.example' }, {}, { html })).toEqual({ kind: 'accepted' });
    const [message] = inbox.messages;
    const lines = message.raw.toString('latin1').split('\r\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(998);
    expect((await message.parsed()).html).toBe(html);
  });

  it('has a subject and a name of 1,000 characters folded, and they arrive whole', async () => {
    const subject = 'Größe 👩‍🚀 '.repeat(100).trim();
    expect(
      await send({ email: 'ann@home.example', name: 'Zoë '.repeat(60).trim() }, {}, { subject }),
    ).toEqual({
      kind: 'accepted',
    });
    const lines = headOf(0).split('\r\n');
    expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(998);
    expect((await inbox.messages[0].parsed()).subject).toBe(subject);
  });

  it('keeps lines that begin with a dot unchanged', async () => {
    const text = '.\n..two\n.hidden\nlast';
    expect(await send({ email: 'ann@home.example' }, {}, { text })).toEqual({ kind: 'accepted' });
    expect((await inbox.messages[0].parsed()).text?.trimEnd()).toBe(text);
  });

  it('is written as one chunk, and the final dot after it', async () => {
    const write = vi.spyOn(Socket.prototype, 'write');
    try {
      expect(await send({ email: 'ann@home.example' })).toEqual({ kind: 'accepted' });
      const written = write.mock.calls.map(([piece]) => String(piece));
      const afterData = written.slice(written.indexOf('DATA\r\n') + 1);
      const ours = afterData.filter((piece) => !/^\d{3}[ -]/.test(piece));
      expect(ours).toEqual([inbox.messages[0].raw.toString(), '.\r\n']);
    } finally {
      write.mockRestore();
    }
  });

  it('C4 has Unicode domains as ASCII in the envelope and in the Message-ID', async () => {
    expect(await send({ email: 'ann@例え.example' })).toEqual({ kind: 'accepted' });
    const [message] = inbox.messages;
    expect(message).toMatchObject({
      from: 'news@xn--bcher-kva.example',
      to: ['ann@xn--r8jz45g.example'],
      messageId: '<0197-mailing.4@xn--bcher-kva.example>',
    });
  });

  it('C5 fails with the reason if the server refuses a Unicode local part, and only for that recipient', async () => {
    const ascii = await SmtpInbox.start({
      server: { hideSMTPUTF8: true },
      answer: ({ command, to }) =>
        command === 'RCPT' && /\p{L}/u.test(to.join('').replace(/[a-z]/gi, ''))
          ? { code: 553, text: '5.6.7 Non-ASCII addresses not permitted' }
          : undefined,
    });
    const over = await senderRig(ascii.url);
    over.sender.prepare();
    try {
      const refused = await over.send({ to: { name: 'José', address: 'josé@home.example' } });
      expect(refused).toMatchObject({ kind: 'refused', permanent: true, code: '5.6.7' });
      expect((refused as { text: string }).text).toContain('Non-ASCII addresses not permitted');
      expect(await over.send()).toEqual({ kind: 'accepted' });
      expect(ascii.messages.map(({ to }) => to)).toEqual([['ann@home.example']]);
    } finally {
      await over[Symbol.asyncDispose]();
      await ascii.close();
    }
  });

  it('C5 is sent to a Unicode local part if the server knows SMTPUTF8', async () => {
    expect(await send({ email: 'josé@home.example' })).toEqual({ kind: 'accepted' });
    expect(inbox.messages[0].to).toEqual(['josé@home.example']);
  });

  it('has reply-to and cc, and is sent to bcc without a Bcc header', async () => {
    const info = {
      replyTo: 'Help <help@shop.example>, desk@shop.example',
      cc: 'Archive <archive@shop.example>',
      bcc: 'boss@shop.example',
    };
    expect(await send({ email: 'ann@home.example', name: 'Ann' }, info)).toEqual({ kind: 'accepted' });
    const [message] = inbox.messages;
    expect([...message.to].sort()).toEqual(['ann@home.example', 'archive@shop.example', 'boss@shop.example']);
    expect(message.header('Reply-To')).toBe('Help <help@shop.example>, desk@shop.example');
    expect(message.raw.toString()).not.toContain('boss@shop.example');
  });
});

describe('the identity of a message', () => {
  const identity = (): MessageIdentity => new MessageIdentity('0197-mailing', INFO.from);

  it('A22 is derived from mailing and idx, the same in each process', () => {
    expect(identity().messageId(7)).toBe('<0197-mailing.7@xn--bcher-kva.example>');
    expect(identity().messageId(7)).toBe(identity().messageId(7));
    expect(identity().messageId(8)).not.toBe(identity().messageId(7));
  });

  it('C18 is not changed by headers of the host, nor is the info', () => {
    const info = Object.freeze({
      ...INFO,
      headers: Object.freeze({ 'X-Mailing-Id': 'forged', 'X-Shop': '1' }),
    });
    const message = new MessageComposer('0197-mailing', info).compose(
      1,
      { name: '', address: 'a@b.example' },
      LETTER,
    );
    expect(message.headers).toEqual({ 'X-Mailing-Id': '0197-mailing', 'X-Shop': '1' });
    expect(info.headers['X-Mailing-Id']).toBe('forged');
  });
});
