import { createHash, generateKeyPairSync } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { type SenderRig, type SenderRigOptions, senderRig } from './sender-rig.js';

describe('MailerMessageSender', () => {
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

  it('sends a message unchanged', async () => {
    expect(await rig.send()).toEqual({ kind: 'accepted' });
    const [message] = inbox.messages;
    expect(message).toMatchObject({ from: 'news@shop.example', to: ['ann@home.example'] });
    expect(message.messageId).toBe('<0197-mailing.4@shop.example>');
    expect(message.header('X-Mailing-Id')).toBe('0197-mailing');
    expect(message.header('To')).toBe('Ann <ann@home.example>');
  });

  it('sends nothing if the deadline has passed', async () => {
    expect(await rig.send({}, AbortSignal.abort())).toMatchObject({ kind: 'not_begun', blame: 'unclear' });
    expect(inbox.messages).toEqual([]);
  });

  it('waits for the answer of a slow server, whatever the timeouts of the mailer', async () => {
    await rig[Symbol.asyncDispose]();
    rig = await senderRig(inbox.url, { mailer: { sendTimeout: 1 } });
    rig.sender.prepare();
    // The server's timer was started before this one, and ends before it.
    inbox.answer = async ({ command }) => {
      if (command === 'END') await delay(20);
    };
    expect(await rig.send()).toEqual({ kind: 'accepted' });
    expect(inbox.messages).toHaveLength(1);
  });

  it('leaves a message that it can not compose to nodemailer, and never rejects', async () => {
    const unwritable = {
      toString: (): string => {
        throw new Error('no words');
      },
    };
    const headers = { 'X-Mailing-Id': '0197-mailing', 'X-Bad': unwritable as unknown as string };
    expect(await rig.send({ headers })).toEqual({ kind: 'accepted' });
    expect(inbox.messages).toHaveLength(1);
  });

  it('A22 uses the same Message-ID for both attempts at a message', async () => {
    inbox.answer = ({ command }) => (command === 'END' ? { code: 451, text: 'try later' } : undefined);
    expect(await rig.send()).toMatchObject({ kind: 'refused', permanent: false });
    inbox.answer = undefined;
    expect(await rig.send()).toEqual({ kind: 'accepted' });
    const ids = inbox.messages.map(({ messageId }) => messageId);
    expect(ids).toEqual(['<0197-mailing.4@shop.example>', '<0197-mailing.4@shop.example>']);
  });

  describe('the composer of a message', () => {
    /** nodemailer's boundaries look different. */
    const OURS = '--_NextPart_';
    const reopen = async (options: SenderRigOptions): Promise<void> => {
      await rig[Symbol.asyncDispose]();
      rig = await senderRig(inbox.url, options);
      rig.sender.prepare();
    };
    const arrived = async (): Promise<string> => {
      expect(await rig.send()).toEqual({ kind: 'accepted' });
      return inbox.messages[0].raw.toString('latin1');
    };

    it('is the sender, without plugins of the host', async () => {
      expect(await arrived()).toContain(OURS);
    });

    it.each(['compile', 'stream'] as const)('is nodemailer, with a plugin at the step %s', async (step) => {
      rig.mailer.getTransporter().use(step, (mail, done) => {
        mail.data.html = '<p>changed</p>';
        mail.message?.addHeader('X-Plugin', 'was here');
        done();
      });
      const raw = await arrived();
      expect(raw).toContain(step === 'compile' ? '<p>changed</p>' : 'X-Plugin: was here');
      expect(raw).not.toContain(OURS);
    });

    it.each([
      ['a default header', { mailer: { defaults: { headers: { 'X-Shop': 'corner' } } } }, 'X-Shop: corner'],
      ['a default of its own', { mailer: { defaults: { replyTo: 'a@shop.example' } } }, 'Reply-To: a@shop'],
      [
        'header names in its own way',
        { transport: { normalizeHeaderKey: lowerCased } },
        'x-mailing-id: 0197',
      ],
    ])('is nodemailer, with %s', async (_what, options, text) => {
      await reopen(options as SenderRigOptions);
      const raw = await arrived();
      expect(raw).toContain(text);
      expect(raw).not.toContain(OURS);
    });

    it('is nodemailer, if the host replaced the mailer’s sendMail', async () => {
      const send = rig.mailer.sendMail.bind(rig.mailer);
      rig.mailer.sendMail = (options) => send({ ...options, html: '<p>changed</p>' });
      expect(await arrived()).toContain('<p>changed</p>');
    });

    it('is the sender, also with a DKIM key, which signs its message', async () => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
      const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
      await reopen({
        transport: { dkim: { domainName: 'shop.example', keySelector: 'k1', privateKey: key } },
      });
      const raw = await arrived();
      expect(raw).toContain(OURS);
      const [head, body] = [raw.slice(0, raw.indexOf('\r\n\r\n')), raw.slice(raw.indexOf('\r\n\r\n') + 4)];
      const signature = /DKIM-Signature:.*?\bbh=([A-Za-z0-9+/=\s]+);/s.exec(head)?.[1].replace(/\s/g, '');
      // RFC 6376 section 3.4.4, for a body without spaces at line ends.
      const relaxed = `${body.replace(/[ \t]+/g, ' ').replace(/(\r\n)+$/, '')}\r\n`;
      expect(signature).toBe(createHash('sha256').update(relaxed).digest('base64'));
    });
  });
});

function lowerCased(name: string): string {
  return name.toLowerCase();
}
