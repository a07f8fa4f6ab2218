import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HandOver } from '../../libs/mailing/src/delivery/email-message.sender.js';
import { freePort } from '../support/free-port.js';
import { SmtpInbox } from '../support/smtp-inbox.js';
import type { SmtpAnswer, SmtpCommand } from '../support/smtp-step.js';
import { type SenderRig, type SenderRigOptions, senderRig } from './sender-rig.js';

describe('what MailerMessageSender makes of the answers of a mail server', () => {
  let inbox: SmtpInbox;
  let rig: SenderRig;

  const start = async (options?: SenderRigOptions): Promise<void> => {
    rig = await senderRig(inbox.url, options);
    rig.sender.prepare();
  };

  beforeEach(async () => {
    inbox = await SmtpInbox.start();
    await start();
  });

  afterEach(async () => {
    await rig[Symbol.asyncDispose]();
    await inbox.close();
  });

  const answering = (at: SmtpCommand, answer: SmtpAnswer): void => {
    inbox.answer = ({ command }) => (command === at ? answer : undefined);
  };
  /** Sends; aborts as soon as the server has reached the step where it stays silent. */
  const sendAndAbortAt = (at: SmtpCommand): Promise<HandOver> => {
    const controller = new AbortController();
    inbox.answer = ({ command }) => {
      if (command !== at) return undefined;
      setImmediate(() => controller.abort());
      return 'hang';
    };
    return rig.send({}, controller.signal);
  };

  it('accepts, and the message arrives as it was given', async () => {
    expect(await rig.send()).toEqual({ kind: 'accepted' });
    const [message] = inbox.messages;
    expect(message).toMatchObject({ from: 'news@shop.example', to: ['ann@home.example'] });
    expect(message.messageId).toBe('<0197-mailing.4@shop.example>');
    expect(message.header('X-Mailing-Id')).toBe('0197-mailing');
    expect(message.header('To')).toBe('Ann <ann@home.example>');
  });

  it.each<[string, SmtpCommand, SmtpAnswer, boolean, string]>([
    ['550 at RCPT', 'RCPT', { code: 550, text: 'no such user' }, true, '550'],
    ['550 with an enhanced code', 'RCPT', { code: 550, text: '5.1.1 no such user' }, true, '5.1.1'],
    ['450 at RCPT', 'RCPT', { code: 450, text: '4.2.0 greylisted' }, false, '4.2.0'],
    ['B5 454 at RCPT', 'RCPT', { code: 454, text: 'maximum sending rate exceeded' }, false, '454'],
    ['553 at MAIL', 'MAIL', { code: 553, text: 'sender not allowed' }, true, '553'],
    ['451 at DATA', 'DATA', { code: 451, text: 'try later' }, false, '451'],
    ['550 after the final dot', 'END', { code: 550, text: '5.7.1 spam' }, true, '5.7.1'],
    ['452 after the final dot', 'END', { code: 452, text: 'disk full' }, false, '452'],
  ])('%s: refused', async (_, at, answer, permanent, code) => {
    answering(at, answer);
    const handOver = await rig.send();
    expect(handOver).toMatchObject({ kind: 'refused', permanent, code });
    expect((handOver as { text: string }).text).toContain((answer as { text: string }).text);
    inbox.answer = undefined;
    expect(await rig.send()).toEqual({ kind: 'accepted' });
  });

  it.each<[string, SmtpCommand, SmtpAnswer]>([
    ['B6 421 in the greeting', 'CONNECT', { code: 421, text: 'too many connections' }],
    ['554 in the greeting', 'CONNECT', { code: 554, text: 'no mail from you' }],
    ['a connection closed before the greeting', 'CONNECT', 'close'],
    ['a connection closed at MAIL', 'MAIL', 'close'],
    ['a connection closed at RCPT', 'RCPT', 'close'],
    ['a connection closed at DATA, before the message', 'DATA', 'close'],
    ['421 at MAIL', 'MAIL', { code: 421, text: 'going down' }],
    ['421 at RCPT', 'RCPT', { code: 421, text: 'slow down' }],
    ['421 at DATA', 'DATA', { code: 421, text: 'slow down' }],
  ])('%s: nobody has it, the transport is to blame', async (_, at, answer) => {
    answering(at, answer);
    expect(await rig.send()).toMatchObject({ kind: 'not_begun', blame: 'transport' });
    inbox.answer = undefined;
    expect(await rig.send()).toEqual({ kind: 'accepted' });
    expect(inbox.messages).toHaveLength(1);
  });

  it('B11 connection refused: the transport is to blame', async () => {
    await using down = await senderRig(`smtp://127.0.0.1:${await freePort()}`);
    down.sender.prepare();
    const handOver = await down.send();
    expect(handOver).toMatchObject({ kind: 'not_begun', blame: 'transport' });
    expect((handOver as { text: string }).text).toContain('ECONNREFUSED');
  });

  it('B11 a host that does not exist: the transport is to blame', async () => {
    await using lost = await senderRig('smtp://mail.invalid:25');
    lost.sender.prepare();
    expect(await lost.send()).toMatchObject({ kind: 'not_begun', blame: 'transport' });
  });

  it('B11 a wrong password: the transport is to blame, not the recipient', async () => {
    await using guarded = await SmtpInbox.start({
      server: {
        disabledCommands: ['STARTTLS'],
        onAuth: (_auth, _session, done) =>
          done(Object.assign(new Error('5.7.8 bad credentials'), { responseCode: 535 })),
      },
    });
    await using wrong = await senderRig(guarded.url, {
      transport: { auth: { user: 'shop', pass: 'wrong' } },
    });
    wrong.sender.prepare();
    expect(await wrong.send()).toMatchObject({ kind: 'not_begun', blame: 'transport' });
  });

  it.each<[string, SmtpCommand, SmtpAnswer]>([
    ['A21 the server takes the message and hangs up', 'END', 'close'],
    ['A21 the server takes the message and says 421', 'END', { code: 421, text: 'going down' }],
    ['the server hangs up in the middle of the message', 'DATA', 'close-in-body'],
  ])('%s: unknown, and no second copy', async (_, at, answer) => {
    answering(at, answer);
    expect(await rig.send()).toMatchObject({ kind: 'unknown' });
    const copies = inbox.messages.length;
    inbox.answer = undefined;
    // The next message goes through the same pool, behind anything that the pool might have queued again.
    expect(await rig.send({ messageId: '<next@shop.example>' })).toEqual({ kind: 'accepted' });
    expect(inbox.messages.map(({ messageId }) => messageId).slice(copies)).toEqual(['<next@shop.example>']);
  });

  it.each<SmtpCommand>(['CONNECT', 'MAIL', 'RCPT', 'DATA'])(
    'B10 silence at %s, then the deadline: nobody has it, and the next one goes out',
    async (at) => {
      expect(await sendAndAbortAt(at)).toMatchObject({ kind: 'not_begun' });
      inbox.answer = undefined;
      expect(await rig.send()).toEqual({ kind: 'accepted' });
    },
  );

  it('B10 silence after the final dot, then the deadline: unknown, and the next one goes out', async () => {
    expect(await sendAndAbortAt('END')).toMatchObject({ kind: 'unknown' });
    inbox.answer = undefined;
    expect(await rig.send({ messageId: '<next@shop.example>' })).toEqual({ kind: 'accepted' });
    expect(inbox.messages).toHaveLength(2);
  });

  it('a deadline that passed before the start sends nothing', async () => {
    expect(await rig.send({}, AbortSignal.abort())).toMatchObject({ kind: 'not_begun', blame: 'unclear' });
    expect(inbox.messages).toEqual([]);
  });

  it('an attachment that is gone costs this message only', async () => {
    const gone = [{ filename: 'leaflet.pdf', path: '/no/such/leaflet.pdf' }];
    const handOver = await rig.send({ attachments: gone });
    expect(handOver).toMatchObject({ kind: 'refused', permanent: true, code: 'ESTREAM' });
    expect((handOver as { text: string }).text).toContain('/no/such/leaflet.pdf');
    expect(inbox.messages).toEqual([]);
    expect(await rig.send()).toEqual({ kind: 'accepted' });
  });

  it('with a copy to others, what counts is the answer to the recipient', async () => {
    inbox.answer = ({ command, to }) =>
      command === 'RCPT' && to.at(-1) === 'ann@home.example'
        ? { code: 550, text: '5.1.1 no such user' }
        : undefined;
    const cc = [{ name: '', address: 'archive@shop.example' }];
    expect(await rig.send({ cc })).toMatchObject({ kind: 'refused', permanent: true, code: '5.1.1' });
    inbox.answer = ({ command, to }) =>
      command === 'RCPT' && to.at(-1) === 'archive@shop.example' ? { code: 550 } : undefined;
    expect(await rig.send({ cc })).toEqual({ kind: 'accepted' });
  });

  it('A22 two attempts at one message bear the same Message-ID', async () => {
    answering('END', { code: 451, text: 'try later' });
    expect(await rig.send()).toMatchObject({ kind: 'refused', permanent: false });
    inbox.answer = undefined;
    expect(await rig.send()).toEqual({ kind: 'accepted' });
    const ids = inbox.messages.map(({ messageId }) => messageId);
    expect(ids).toEqual(['<0197-mailing.4@shop.example>', '<0197-mailing.4@shop.example>']);
  });
});
