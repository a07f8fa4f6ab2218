import { describe, expect, it } from 'vitest';
import { toHandOver } from '../../libs/mailing/src/delivery/delivery-failure.js';

describe('toHandOver', () => {
  it.each([
    [{ code: 'EENVELOPE', command: 'RCPT TO', responseCode: 550, response: '550 5.1.1 gone' }, '5.1.1', true],
    [{ code: 'EENVELOPE', command: 'RCPT TO', responseCode: 450, response: '450 busy' }, '450', false],
    [{ code: 'EMESSAGE', command: 'DATA', responseCode: 554, response: '554 5.7.1 spam' }, '5.7.1', true],
  ])('an answer to the message is a fact, even when it had begun: %j', (error, code, permanent) => {
    for (const begun of [false, true]) {
      expect(toHandOver(error, begun)).toEqual({ kind: 'refused', permanent, code, text: error.response });
    }
  });

  it.each(['ECONNECTION', 'ESOCKET', 'ETIMEDOUT', 'EPROTOCOL'])(
    'A21 %s is doubt after the first byte and none before',
    (code) => {
      const error = { code, command: 'CONN', message: 'Connection closed unexpectedly' };
      expect(toHandOver(error, true)).toMatchObject({ kind: 'unknown', code });
      expect(toHandOver(error, false)).toMatchObject({ kind: 'not_begun', blame: 'transport' });
    },
  );

  it.each([
    ['EDNS', 'CONN'],
    ['ETLS', 'STARTTLS'],
    ['EAUTH', 'AUTH PLAIN'],
    ['ENOAUTH', 'API'],
    ['EPROXY', 'CONN'],
    ['ECONFIG', ''],
  ])('B11 %s is about us, whatever the code of the answer', (code, command) => {
    const error = { code, command, responseCode: 535, response: '535 5.7.8 no' };
    expect(toHandOver(error, false)).toEqual({
      kind: 'not_begun',
      blame: 'transport',
      text: '535 5.7.8 no',
    });
  });

  it('B6 421 closes the connection and says nothing about the recipient', () => {
    const error = {
      code: 'EENVELOPE',
      command: 'RCPT TO',
      responseCode: 421,
      response: '421 4.7.0 slow down',
    };
    expect(toHandOver(error, false)).toMatchObject({ kind: 'not_begun', blame: 'transport' });
    expect(toHandOver(error, true)).toMatchObject({ kind: 'unknown' });
  });

  it('an aborted message that had not begun may be the fault of either side', () => {
    expect(toHandOver({ code: 'EABORT' }, false)).toMatchObject({ kind: 'not_begun', blame: 'unclear' });
    expect(toHandOver({ code: 'EABORT' }, true)).toMatchObject({ kind: 'unknown', code: 'EABORT' });
  });

  it('a body that broke off at its source was never ended: nobody has the message', () => {
    const error = { code: 'ESTREAM', command: 'API', message: 'ENOENT: no such file' };
    expect(toHandOver(error, true)).toMatchObject({ kind: 'refused', permanent: true, code: 'ESTREAM' });
  });

  it.each([undefined, null, 'a text', 5, {}, new Error('')])(
    'takes %j, thrown by whatever the host plugged in, for doubt once the message had begun',
    (error) => {
      expect(toHandOver(error, true)).toMatchObject({ kind: 'unknown', code: 'EUNKNOWN' });
      expect(toHandOver(error, false)).toMatchObject({ kind: 'refused', permanent: true });
    },
  );
});
