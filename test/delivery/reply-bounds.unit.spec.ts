import { describe, expect, it } from 'vitest';
import { classifyFailure } from '../../libs/mailing/src/delivery/transport/classify-failure.js';
import { type Reply, ReplyParser } from '../../libs/mailing/src/delivery/smtp/reply.parser.js';
import { ScriptedSmtpServer, takesAll } from '../support/network/scripted-smtp.server.js';
import { senderRig } from './sender-rig.js';

const LINE = 4_096;
const line = (length: number, between = ' '): string => `550${between}${'x'.repeat(length - 4)}`;
const read = (text: string, size = text.length): Reply[] => {
  const reader = new ReplyParser();
  const replies: Reply[] = [];
  for (let at = 0; at < text.length; at += size)
    replies.push(...reader.read(Buffer.from(text.slice(at, at + size), 'latin1')));
  return replies;
};

describe('a reply of a mail server', () => {
  it.each([
    ['a line of 4,096 characters', `${line(LINE)}\r\n`],
    ['64 lines', `${`${line(20, '-')}\r\n`.repeat(63)}${line(20)}\r\n`],
  ])('may have %s', (_, text) => {
    const whole = text.trimEnd().replaceAll('\r', '');
    for (const size of [text.length, 1, 1_000])
      expect(read(text, size)).toEqual([{ status: 550, text: whole }]);
  });

  it.each([
    ['a line of 4,097 characters', `${line(LINE + 1)}\r\n`],
    ['65 lines', `${`${line(20, '-')}\r\n`.repeat(64)}${line(20)}\r\n`],
    ['a line of a megabyte', `${line(1_000_000)}\r\n`],
    ['a line without an end', line(100_000)],
  ])('may not have %s', (_, text) => {
    for (const size of [text.length, 1_000]) expect(() => read(text, size)).toThrow('The mail server');
  });

  it('is read even if the next one in the same chunk is too long', () => {
    const replies: Reply[] = [];
    const reading = (): void => {
      for (const reply of new ReplyParser().read(Buffer.from(`250 fine\r\n${line(100_000)}\r\n`)))
        replies.push(reply);
    };
    expect(reading).toThrow('The mail server');
    expect(replies).toEqual([{ status: 250, text: '250 fine' }]);
  });

  it.each([
    ['a megabyte', `550 5.1.1 ${'too many '.repeat(120_000)}`],
    ['a megabyte of spaces', `550 5.1.1 ${' '.repeat(1_000_000)}x`],
    ['a hundred thousand lines', `550 5.1.1 no\n${'550-5.1.1 x\n'.repeat(100_000)}`],
  ])('is cut before it is parsed: %s', (_, response) => {
    const handOver = classifyFailure(
      { code: 'EENVELOPE', command: 'RCPT TO', responseCode: 550, response },
      'session',
    );
    expect(handOver).toMatchObject({ kind: 'refused', permanent: true, code: '5.1.1' });
    expect((handOver as { text: string }).text.length).toBeLessThanOrEqual(4_096);
  });

  it.each([false, true])(
    'of 500 kB fails only the message that it is about (bulkSmtp: %s)',
    async (isBulk) => {
      const endless = `${'550-5.1.1 no such user here\r\n'.repeat(18_000)}550 5.1.1 no\r\n`;
      await using server = await ScriptedSmtpServer.start(
        takesAll((said) => (said.startsWith('RCPT TO:<gone@') ? endless : undefined)),
      );
      await using rig = await senderRig(server.url, { isBulk });
      rig.sender.prepare();
      const handOver = await rig.send({ to: { name: '', address: 'gone@home.example' } });
      expect(handOver).toMatchObject(isBulk ? { kind: 'not_begun' } : { kind: 'refused', code: '5.1.1' });
      expect((handOver as { text: string }).text.length).toBeLessThanOrEqual(4_096);
      expect(await rig.send()).toEqual({ kind: 'accepted' });
    },
  );
});
