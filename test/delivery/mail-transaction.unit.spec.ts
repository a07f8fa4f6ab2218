import { describe, expect, it } from 'vitest';
import { MailTransaction, type Next } from '../../libs/mailing/src/delivery/smtp/mail.transaction.js';
import type { HandOver } from '../../libs/mailing/src/model/ports/email-message.sender.js';

interface Given {
  pipelining?: boolean;
  to?: string[];
  isAbandoned?: boolean;
  /** Replies before the one that is looked at: step, index of the recipient, status. */
  before?: Step[];
}

type Step = ['MAIL FROM' | 'RCPT TO' | 'DATA' | 'BODY', number, number];

const TWO = ['ann@home.example', 'copy@home.example'];
const REFUSED: Step[] = [['RCPT TO', 0, 550]];

describe('what follows a reply in a mail transaction', () => {
  it.each<[string, Given, Step, Next]>([
    ['MAIL accepted, pipelined', {}, ['MAIL FROM', 0, 250], 'wait'],
    ['MAIL refused, pipelined', {}, ['MAIL FROM', 0, 550], 'wait'],
    ['MAIL accepted', { pipelining: false }, ['MAIL FROM', 0, 250], 'RCPT TO'],
    ['MAIL refused', { pipelining: false }, ['MAIL FROM', 0, 550], 'refused'],
    ['the one recipient accepted, pipelined', {}, ['RCPT TO', 0, 250], 'wait'],
    ['the one recipient refused, pipelined', {}, ['RCPT TO', 0, 550], 'wait'],
    ['the one recipient accepted', { pipelining: false }, ['RCPT TO', 0, 250], 'DATA'],
    ['the one recipient refused', { pipelining: false }, ['RCPT TO', 0, 550], 'refused'],
    ['the first of two accepted, pipelined', { to: TWO }, ['RCPT TO', 0, 250], 'wait'],
    ['the first of two accepted', { to: TWO, pipelining: false }, ['RCPT TO', 0, 250], 'RCPT TO'],
    ['the first of two refused', { to: TWO, pipelining: false }, ['RCPT TO', 0, 550], 'refused'],
    ['the copy refused', { to: TWO }, ['RCPT TO', 1, 550], 'DATA'],
    [
      'the copy accepted, but not the recipient',
      { to: TWO, before: REFUSED },
      ['RCPT TO', 1, 250],
      'refused',
    ],
    ['all accepted, but abandoned', { to: TWO, isAbandoned: true }, ['RCPT TO', 1, 250], 'refused'],
    ['354', { before: [['RCPT TO', 0, 250]] }, ['DATA', 0, 354], 'body'],
    ['354, but abandoned', { isAbandoned: true }, ['DATA', 0, 354], 'give up'],
    ['354 although the recipient was refused', { before: REFUSED }, ['DATA', 0, 354], 'dot'],
    ['354 although MAIL was refused', { before: [['MAIL FROM', 0, 550]] }, ['DATA', 0, 354], 'dot'],
    [
      '354 although MAIL was refused and RCPT accepted',
      {
        before: [
          ['MAIL FROM', 0, 550],
          ['RCPT TO', 0, 250],
        ],
      },
      ['DATA', 0, 354],
      'out of step',
    ],
    ['DATA refused', {}, ['DATA', 0, 451], 'refused'],
    ['250 to DATA', {}, ['DATA', 0, 250], 'out of step'],
    ['the body accepted', {}, ['BODY', 0, 250], 'answered'],
    ['the body refused', {}, ['BODY', 0, 554], 'answered'],
    ['the dot alone accepted', { before: REFUSED }, ['BODY', 0, 250], 'refused'],
  ])('%s', (_, given, [step, at, status], next) => {
    const { transaction } = begun(given);
    expect(transaction.onReply(step, at, replyOf(status))).toBe(next);
  });

  it('is answered by the reply to its body, once', () => {
    const { transaction, answers } = begun({});
    transaction.onReply('BODY', 0, replyOf(250));
    transaction.fail();
    expect(answers).toEqual([{ kind: 'accepted' }]);
  });

  it('is answered by the refusal of its recipient, also if the connection breaks after it', () => {
    const { transaction, answers } = begun({ before: REFUSED });
    transaction.fail({ code: 'ECONNECTION', command: 'CONN' });
    expect(answers).toMatchObject([{ kind: 'refused', text: '550 said' }]);
  });

  it('passes to another session only without a refusal and a byte of its body, and once', () => {
    expect(begun({}).transaction.mayPass).toBe(true);
    expect(begun({ before: REFUSED }).transaction.mayPass).toBe(false);
    const sent = begun({}).transaction;
    sent.reach = 'body';
    expect(sent.mayPass).toBe(false);
    const passed = begun({}).transaction;
    passed.queued.isSecondTry = true;
    expect(passed.mayPass).toBe(false);
  });
});

function begun({ pipelining = true, to = ['ann@home.example'], isAbandoned = false, before = [] }: Given): {
  transaction: MailTransaction;
  answers: HandOver[];
} {
  const answers: HandOver[] = [];
  const queued = {
    from: 'news@shop.example',
    to,
    needsUtf8: false,
    contentFor: () => ({ pieces: [], is8Bit: false }),
    begin: () => () => undefined,
    answer: (handOver: HandOver) => void answers.push(handOver),
    isSecondTry: false,
  };
  const transaction = new MailTransaction(queued, { pipelining, eightBit: true, smtpUtf8: true });
  transaction.isAbandoned = isAbandoned;
  for (const [step, at, status] of before) transaction.onReply(step, at, replyOf(status));
  return { transaction, answers };
}

function replyOf(status: number): { status: number; text: string } {
  return { status, text: `${status} said` };
}
