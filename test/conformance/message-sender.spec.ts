import type { EmailMessageSender, HandOver } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import {
  emailMessageSenderChecks,
  type MessageSenderBehavior,
  type MessageSenderRig,
} from 'nestjs-mailing/testing';
import { senderRig } from '../delivery/sender-rig.js';
import { postSender } from '../support/hosts/post-sender.js';
import { type ApiReply, EmailApiServer } from '../support/network/email-api.server.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import type { SmtpAnswer, SmtpCommand } from '../support/network/smtp-step.js';
import { never } from '../support/silence.js';

const AT: Partial<Record<MessageSenderBehavior, [SmtpCommand, SmtpAnswer]>> = {
  refuse: ['RCPT', { code: 550, text: '5.1.1 no such user' }],
  'refuse-for-now': ['RCPT', { code: 450, text: '4.2.1 the mailbox is busy' }],
  throttle: ['MAIL', { code: 454, text: 'Throttling failure: Maximum sending rate exceeded.' }],
  'lose-answers': ['END', 'close'],
  hang: ['END', 'hang'],
};

/** One of the two built-in senders, and a mail server. */
async function smtpRig(isBulk: boolean): Promise<MessageSenderRig> {
  let inbox = await SmtpInbox.start();
  const port = Number(new URL(inbox.url).port);
  const { messages } = inbox;
  const { sender, ...built } = await senderRig(inbox.url, { isBulk });
  sender.prepare();
  let isDown = false;
  return {
    sender,
    accepted: () =>
      messages
        .concat(inbox.messages === messages ? [] : inbox.messages)
        .map(({ messageId = '' }) => messageId),
    behave: async (behavior) => {
      if (behavior === 'down') await inbox.close();
      else if (isDown) inbox = await SmtpInbox.start({ port });
      isDown = behavior === 'down';
      inbox.answer = ({ command }) => (AT[behavior]?.[0] === command ? AT[behavior][1] : undefined);
    },
    close: async () => {
      await built[Symbol.asyncDispose]();
      if (!isDown) await inbox.close();
    },
  };
}

const REPLIES: Partial<Record<MessageSenderBehavior, ApiReply>> = {
  refuse: 422,
  'refuse-for-now': 425,
  throttle: 429,
  'lose-answers': 'lost',
  hang: 'late',
};

/** An HTTP API, and a sender as a host writes it. */
async function apiRig(): Promise<MessageSenderRig> {
  let api = await EmailApiServer.start();
  const { accepted, url } = api;
  let isDown = false;
  return {
    sender: postSender(url),
    accepted: () =>
      accepted.concat(api.accepted === accepted ? [] : api.accepted).map(({ messageId }) => messageId),
    behave: async (behavior) => {
      if (behavior === 'down') await api.close();
      else if (isDown) api = await EmailApiServer.start(Number(new URL(url).port));
      isDown = behavior === 'down';
      api.reply = () => REPLIES[behavior] ?? 'accept';
    },
    close: () => (isDown ? undefined : api.close()),
  };
}

describe.each<[string, () => Promise<MessageSenderRig>]>([
  ['MailerMessageSender', () => smtpRig(false)],
  ['BulkSmtpMessageSender', () => smtpRig(true)],
  ['ApiMessageSender', apiRig],
])('%s', (_, start) => {
  it.each(emailMessageSenderChecks(start))('$name', ({ check }) => expect(check()).resolves.toBeUndefined());
});

describe('the checks of message senders', () => {
  const accepted: string[] = [];
  const good: EmailMessageSender = {
    send: async ({ messageId }, signal) => {
      if (!signal.aborted) accepted.push(messageId);
      return signal.aborted ? { kind: 'not_begun', blame: 'none', text: 'too late' } : { kind: 'accepted' };
    },
    probe: async () => null,
  };
  const WITHOUT: MessageSenderBehavior[] = [
    'refuse',
    'refuse-for-now',
    'throttle',
    'lose-answers',
    'hang',
    'down',
  ];

  /** Names of the checks that a sender fails, with their messages. */
  const failedBy = async (faulty: Partial<EmailMessageSender>): Promise<string[]> => {
    const failed: string[] = [];
    const start = (): MessageSenderRig => {
      accepted.length = 0;
      const sender = { ...good, ...faulty };
      return { sender, accepted: () => accepted, behave: () => undefined, close: () => undefined };
    };
    for (const { name, check } of emailMessageSenderChecks(start, WITHOUT))
      await check().catch((error: Error) => failed.push(`${name}: ${error.message}`));
    return failed;
  };

  it('leave out what the other side can not show, and pass what does right', async () => {
    expect(emailMessageSenderChecks(apiRig)).toHaveLength(13);
    expect(emailMessageSenderChecks(apiRig, WITHOUT)).toHaveLength(6);
    expect(await failedBy({})).toEqual([]);
  });

  it.each<[string, Partial<EmailMessageSender>, RegExp]>([
    [
      'sends twice',
      { send: (message, signal) => good.send(message, signal).then(() => good.send(message, signal)) },
      /copies/,
    ],
    [
      'rejects',
      { send: () => Promise.reject(new Error('no line')) },
      /must not reject, but did: Error: no line/,
    ],
    ['throws', { send: () => raise() }, /must not reject/],
    ['answers nothing', { send: async () => undefined as unknown as HandOver }, /has to answer a HandOver/],
    ['says too early that it was accepted', { send: async () => ({ kind: 'accepted' }) }, /copies/],
    [
      'changes the message',
      { send: (message, signal) => good.send(Object.assign(message, { subject: '' }), signal) },
      /must change nothing/,
    ],
    ['forgets begin', { callsBegin: true }, /the steps of begin/],
    [
      'answers a probe by nothing',
      { probe: async () => undefined as unknown as null },
      /the answer of probe/,
    ],
  ])('fail a sender that %s', async (_, faulty, expected) => {
    const failed = await failedBy(faulty);
    expect(failed.filter((line) => expected.test(line))).not.toEqual([]);
  });

  it('fail a sender that never answers, in time', async () => {
    const [check] = emailMessageSenderChecks(
      () => ({
        sender: { ...good, send: never },
        accepted: () => [],
        behave: () => undefined,
        close: () => undefined,
      }),
      WITHOUT,
    );
    await expect(check.check()).rejects.toThrow('send has to answer within 8000 ms');
  });
});

function raise(): never {
  throw new Error('no line');
}
