import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SmtpInbox } from '../support/smtp-inbox.js';
import { type SenderRig, senderRig } from './sender-rig.js';

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

  it('accepts, and the message arrives as it was given', async () => {
    expect(await rig.send()).toEqual({ kind: 'accepted' });
    const [message] = inbox.messages;
    expect(message).toMatchObject({ from: 'news@shop.example', to: ['ann@home.example'] });
    expect(message.messageId).toBe('<0197-mailing.4@shop.example>');
    expect(message.header('X-Mailing-Id')).toBe('0197-mailing');
    expect(message.header('To')).toBe('Ann <ann@home.example>');
  });

  it('a deadline that passed before the start sends nothing', async () => {
    expect(await rig.send({}, AbortSignal.abort())).toMatchObject({ kind: 'not_begun', blame: 'unclear' });
    expect(inbox.messages).toEqual([]);
  });

  it('waits for the answer of a slow server, whatever the mailer is told to wait', async () => {
    await rig[Symbol.asyncDispose]();
    rig = await senderRig(inbox.url, { mailer: { sendTimeout: 1 } });
    rig.sender.prepare();
    // Its timer was started before this one, and is over before it.
    inbox.answer = async ({ command }) => {
      if (command === 'END') await delay(20);
    };
    expect(await rig.send()).toEqual({ kind: 'accepted' });
    expect(inbox.messages).toHaveLength(1);
  });

  it('A22 two attempts at one message bear the same Message-ID', async () => {
    inbox.answer = ({ command }) => (command === 'END' ? { code: 451, text: 'try later' } : undefined);
    expect(await rig.send()).toMatchObject({ kind: 'refused', permanent: false });
    inbox.answer = undefined;
    expect(await rig.send()).toEqual({ kind: 'accepted' });
    const ids = inbox.messages.map(({ messageId }) => messageId);
    expect(ids).toEqual(['<0197-mailing.4@shop.example>', '<0197-mailing.4@shop.example>']);
  });
});
