import { describe, expect, it } from 'vitest';
import { classifyFailure } from '../../libs/mailing/src/delivery/transport/classify-failure.js';

describe('classifyFailure', () => {
  it.each([
    [{ code: 'EENVELOPE', command: 'RCPT TO', responseCode: 550, response: '550 5.1.1 gone' }, '5.1.1', true],
    [{ code: 'EENVELOPE', command: 'RCPT TO', responseCode: 450, response: '450 busy' }, '450', false],
    [{ code: 'EMESSAGE', command: 'DATA', responseCode: 554, response: '554 5.7.1 spam' }, '5.7.1', true],
  ])(
    'takes an answer to the message for certain, even after the body had begun: %j',
    (error, code, permanent) => {
      for (const reached of ['nowhere', 'session', 'body'] as const) {
        expect(classifyFailure(error, reached)).toMatchObject({
          kind: 'refused',
          permanent,
          code,
          text: error.response,
        });
      }
    },
  );

  it.each(['ECONNECTION', 'ESOCKET', 'ETIMEDOUT', 'EPROTOCOL'])(
    'A21 takes %s for doubt after the first byte of the body, and not before',
    (code) => {
      const error = { code, command: 'CONN', message: 'Connection closed unexpectedly' };
      expect(classifyFailure(error, 'body')).toMatchObject({ kind: 'unknown', code });
      expect(classifyFailure(error, 'session')).toMatchObject({ kind: 'not_begun', blame: 'transport' });
    },
  );

  it.each([
    ['EDNS', 'CONN'],
    ['ETLS', 'STARTTLS'],
    ['EAUTH', 'AUTH PLAIN'],
    ['ENOAUTH', 'API'],
    ['EPROXY', 'CONN'],
    ['ECONFIG', ''],
  ])('B11 blames the transport for %s, whatever the code of the answer', (code, command) => {
    const error = { code, command, responseCode: 535, response: '535 5.7.8 no' };
    expect(classifyFailure(error, 'session')).toEqual({
      kind: 'not_begun',
      blame: 'transport',
      text: code === 'EAUTH' ? 'the login was refused: 535 5.7.8 no' : '535 5.7.8 no',
    });
  });

  const answered = (response: string, error: object = { code: 'EENVELOPE', command: 'RCPT TO' }) => ({
    ...error,
    responseCode: Number(response.slice(0, 3)),
    response,
  });
  const AT_GREETING = { code: 'EPROTOCOL', command: 'CONN' };
  const AT_LOGIN = { code: 'EAUTH', command: 'AUTH PLAIN' };

  it.each([
    '454 Throttling failure: Maximum sending rate exceeded.',
    '454 Throttling failure: Daily message quota exceeded.',
    '432 4.3.2 Concurrent connections limit exceeded',
    '450 4.7.1 Error: too much mail from 192.0.2.7',
    '450 4.7.1 Error: too many recipients from 192.0.2.7',
    '450-4.7.0 Too many\n450-4.7.0 messages from your address.\n450 4.7.0 Try later',
    '451 Requests are rate limited',
    "451 You've exceeded your messaging limits",
    '452 4.3.1 exceeded the allowed rate of 5 messages per second',
    '450 slow down, please',
    '451 4.7.0 5 messages per minute are allowed',
  ])('B5 takes %j for throttling, at every step', (response) => {
    const throttled = expect.objectContaining({ kind: 'throttled', text: response });
    for (const reached of ['session', 'body'] as const) {
      expect(classifyFailure(answered(response), reached)).toEqual(throttled);
    }
    for (const step of [AT_GREETING, AT_LOGIN]) {
      expect(classifyFailure(answered(response, step), 'nowhere')).toEqual(throttled);
    }
  });

  it.each([
    // About one mailbox, by enhanced code or wording.
    [
      '450-4.2.1 The user you are trying to contact is receiving mail at a rate that exceeded\n450 4.2.1 his',
      '4.2.1',
    ],
    ['452 4.2.2 mailbox over its daily quota', '4.2.2'],
    ['450 4.1.1 unverified address: too many connections at its server', '4.1.1'],
    ['450 too many messages in the mailbox', '450'],
    ['450 receiving too many messages', '450'],
    // About one message.
    ['452 4.5.3 too many recipients', '4.5.3'],
    ['452 too many recipients', '452'],
    // Not about a rate.
    ['451 4.7.1 greylisted, try again later', '4.7.1'],
    ['452 4.3.1 insufficient system storage', '4.3.1'],
    ['451 4.3.0 temporary failure', '4.3.0'],
    // An IP address is not an enhanced code.
    ['451 4.2.1.9 is not welcome now', '451'],
    ['503 bad sequence of commands', '503'],
  ])('takes %j for a temporary refusal', (response, code) => {
    for (const reached of ['session', 'body'] as const) {
      const expected = { kind: 'refused', permanent: false, code, text: response };
      expect(classifyFailure(answered(response), reached)).toMatchObject(expected);
    }
  });

  it.each([
    '550 5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to ...',
    '550-5.4.5 Daily SMTP relay limit exceeded for user.',
    '552 5.2.2 relay quota exceeded',
    '554 Message rejected: Sending paused for this account.',
    '554 Throttling failure: Daily message quota exceeded.',
    "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients",
    '550 5.7.705 Access denied, tenant exceeded threshold',
    '554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException',
    '550 Domain shop.example has exceeded the max emails per hour (150/100 (150%)) allowed. Message discarded.',
    '550 5.7.1 User has exceeded its 24-hour sending limit',
    "550 5.0.0 You've exceeded your messaging limits",
    '550 5.7.0 Maximum credits exceeded',
    '550 5.7.1 Your account has been suspended from sending',
    '554 5.7.1 You have exceeded your hourly quota',
  ])('%j is about the sender: a retry later, and no recipient is to blame', (response) => {
    for (const reached of ['session', 'body'] as const) {
      const handOver = classifyFailure(answered(response), reached);
      expect(handOver).toMatchObject({ kind: 'refused', permanent: false });
      expect(handOver).not.toHaveProperty('subject');
    }
  });

  it.each([
    '552 5.2.2 The mailbox of ann@home.example is over its daily quota',
    '552 5.3.4 Message size exceeds the sending limit of 10 MB',
    '552 5.3.4 message size exceeded your limit',
    '550 5.7.1 sender blocked by policy',
    '554 5.7.1 Service unavailable; client host is listed',
    '550 5.2.1 The recipient receiving limit is exceeded; mailbox limit',
  ])('%j is not about a quota of the sender', (response) => {
    const handOver = classifyFailure(answered(response), 'session');
    expect(handOver).toMatchObject({ kind: 'refused', permanent: true });
  });

  it.each([
    ['550 5.1.1 no such user', 'recipient'],
    ['550 5.1.10 null MX', 'recipient'],
    ['552 5.2.2 over quota', 'recipient'],
    ['452 4.2.2 mailbox full', 'recipient'],
    ['550 No such user here', 'recipient'],
    ['550 ann@home.example: Recipient address unknown', 'recipient'],
    ['553 unknown user', 'recipient'],
    ['550 Mailbox unavailable', 'recipient'],
    ['450 4.2.0 greylisted, come back later', 'greylisted'],
    ['451 4.7.1 Try again later', 'greylisted'],
    ['451 4.7.1 Graylisting in action', 'greylisted'],
    ['550 5.7.1 your domain is blocked here', undefined],
    ['450 4.1.8 Sender address rejected: Domain not found', undefined],
    ['550 5.1.7 bad sender', undefined],
    ['550 Sender unknown', undefined],
    ['451 4.3.0 temporary failure, try again later', undefined],
    ['550 no', undefined],
  ])('%j is about: %s', (response, subject) => {
    for (const reached of ['session', 'body'] as const) {
      const { subject: found } = classifyFailure(answered(response), reached) as { subject?: string };
      expect(found).toBe(subject);
    }
  });

  it.each([
    ['421 4.7.0 Too many connections', 'throttled'],
    ['421 4.3.2 maximum number of concurrent server connections has exceeded a limit', 'throttled'],
    ['421 4.7.0 Try again later, closing connection', 'throttled'],
    ['421 Too many connections, service not available', 'throttled'],
    ['421', 'throttled'],
    ['421 mail.example Service not available, closing transmission channel', 'not_begun'],
    ['421 4.3.2 System shutting down', 'not_begun'],
    ['421 4.4.2 Error: timeout exceeded', 'not_begun'],
  ])('B6 %j before the body: %s', (response, kind) => {
    const CLOSED = { code: 'ECONNECTION', command: 'CONN' };
    for (const step of [AT_GREETING, AT_LOGIN, CLOSED]) {
      expect(classifyFailure(answered(response, step), 'nowhere')).toMatchObject({ kind });
    }
    for (const step of [undefined, CLOSED]) {
      expect(classifyFailure(answered(response, step), 'session')).toMatchObject({ kind });
    }
  });

  it('takes 421 with a code about the message as an answer to it, but not before the session', () => {
    const response = '421 4.2.1 too many messages for this user';
    const closed = answered(response, { code: 'ECONNECTION', command: 'CONN' });
    for (const error of [closed, answered(response)]) {
      expect(classifyFailure(error, 'session')).toMatchObject({
        kind: 'refused',
        permanent: false,
        code: '4.2.1',
      });
    }
    expect(classifyFailure(closed, 'nowhere')).toMatchObject({ kind: 'throttled' });
  });

  it('takes 421 after the final dot as an answer to the message, unless it broke off', () => {
    const ended = { code: 'EMESSAGE', command: 'DATA' };
    expect(classifyFailure(answered('421 going down', ended), 'body')).toMatchObject({
      kind: 'refused',
      permanent: false,
      code: '421',
    });
    expect(classifyFailure(answered('421 too many messages', ended), 'body')).toMatchObject({
      kind: 'throttled',
    });
    for (const cut of ['421 go', '550 no', '450 too many mails']) {
      const error = answered(cut, { code: 'ECONNECTION', command: 'CONN' });
      expect(classifyFailure(error, 'body')).toMatchObject({ kind: 'unknown', code: 'ECONNECTION' });
    }
  });

  it.each([
    ['530 5.7.0 Authentication required', 'EENVELOPE'],
    ['530 5.7.0 Must issue a STARTTLS command first', 'EENVELOPE'],
    ['250 at an unexpected step', 'EPROTOCOL'],
    ['354 go ahead', 'EENVELOPE'],
  ])('B11 %j is about the sender or the dialogue, not about the recipient', (response, code) => {
    const error = answered(response, { code, command: 'MAIL FROM' });
    expect(classifyFailure(error, 'session')).toEqual({
      kind: 'not_begun',
      blame: 'transport',
      text: response,
    });
  });

  it('leaves in doubt after an answer to the final dot that is neither 2xx nor an error', () => {
    const error = answered('354 go ahead', { code: 'EMESSAGE', command: 'DATA' });
    expect(classifyFailure(error, 'body')).toMatchObject({ kind: 'unknown' });
  });

  it('does not blame either side for an aborted message that had not begun', () => {
    expect(classifyFailure({ code: 'EABORT' }, 'session')).toMatchObject({
      kind: 'not_begun',
      blame: 'unclear',
    });
    expect(classifyFailure({ code: 'EABORT' }, 'body')).toMatchObject({ kind: 'unknown', code: 'EABORT' });
  });

  it('takes a body that broke off at its source for not delivered', () => {
    const error = { code: 'ESTREAM', command: 'API', message: 'ENOENT: no such file' };
    expect(classifyFailure(error, 'body')).toMatchObject({
      kind: 'refused',
      permanent: true,
      code: 'ESTREAM',
    });
  });

  it.each([undefined, null, 'a text', 5, {}, new Error('')])(
    'takes %j, thrown by a plugin of the host, for doubt once the message had begun',
    (error) => {
      expect(classifyFailure(error, 'body')).toMatchObject({ kind: 'unknown', code: 'EUNKNOWN' });
      expect(classifyFailure(error, 'session')).toMatchObject({ kind: 'refused', permanent: true });
    },
  );
});
