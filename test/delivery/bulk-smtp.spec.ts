import { Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { BulkSmtpMessageSender } from '../../libs/mailing/src/delivery/smtp/bulk-smtp-message.sender.js';
import type {
  Begin,
  EmailMessage,
  HandOver,
} from '../../libs/mailing/src/delivery/transport/email-message.sender.js';
import { ScriptedSmtpServer, takesAll } from '../support/network/scripted-smtp.server.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { MESSAGE, senderRig } from './sender-rig.js';

const ACCEPTED: HandOver = { kind: 'accepted' };

/** A sender over one connection, and what it is asked to send, all at once. */
async function sendAll(
  url: string,
  messages: Partial<EmailMessage>[],
  options: { maxConnections?: number; socketTimeout?: number } = {},
): Promise<HandOver[]> {
  const { hostname: host, port } = new URL(url);
  const connection = { host, port: Number(port), socketTimeout: options.socketTimeout };
  const sender = new BulkSmtpMessageSender(() => ({
    connector: { connection, login: null },
    maxConnections: options.maxConnections ?? 1,
    idleMs: 30_000,
  }));
  sender.prepare();
  try {
    return await Promise.all(
      messages.map((one) => sender.send({ ...MESSAGE, ...one }, new AbortController().signal)),
    );
  } finally {
    sender.onApplicationShutdown();
  }
}

const reader = (n: number): Partial<EmailMessage> => ({
  messageId: `<${n}@shop.example>`,
  to: { name: '', address: `reader${n}@home.example` },
});
const readers = (count: number): Partial<EmailMessage>[] =>
  Array.from({ length: count }, (_, n) => reader(n));

describe('BulkSmtpMessageSender', () => {
  it('sends the next envelope with the body before it, and nothing between a DATA and its body', async () => {
    await using server = await ScriptedSmtpServer.start(takesAll());

    expect(await sendAll(server.url, readers(3))).toEqual([ACCEPTED, ACCEPTED, ACCEPTED]);

    const commands = server.lines.filter((line) => /^(MAIL|RCPT|DATA|\.$)/.test(line));
    const ofOne = ['MAIL', 'RCPT', 'DATA', '.'];
    expect(commands.map((line) => line.split(' ')[0])).toEqual([...ofOne, ...ofOne, ...ofOne]);
    expect(server.connections).toBe(1);
  });

  it('an envelope leaves in one write with the body before it, also where an answer is what made room for it', async () => {
    // What came together is answered together, as servers do it.
    await using server = await ScriptedSmtpServer.start(takesAll(), (socket, text) => {
      socket.cork();
      socket.write(text);
      setImmediate(() => socket.uncork());
    });
    const writes = vi.spyOn(Socket.prototype, 'write');
    onTestFinished(() => writes.mockRestore());
    const { hostname: host, port } = new URL(server.url);
    const connector = { connection: { host, port: Number(port) }, login: null };
    const sender = new BulkSmtpMessageSender(() => ({ connector, maxConnections: 1, idleMs: 30_000 }));
    sender.prepare();
    const waiting = readers(40);
    const lane = async (): Promise<void> => {
      for (let one = waiting.shift(); one; one = waiting.shift())
        expect(await sender.send({ ...MESSAGE, ...one }, new AbortController().signal)).toEqual(ACCEPTED);
    };
    await Promise.all([lane(), lane()]);
    sender.onApplicationShutdown();

    const bodies = writes.mock.calls
      .map(([text]) => String(text))
      .filter((text) => text.includes('\r\n.\r\n'));
    expect(bodies).toHaveLength(40);
    expect(bodies.slice(0, -2).filter((text) => !text.includes('\r\n.\r\nMAIL FROM'))).toEqual([]);
  });

  it('a recipient that is refused in a pipeline costs him only, and his body is never sent', async () => {
    await using server = await ScriptedSmtpServer.start(
      takesAll((line) => {
        if (line.includes('reader1@')) return line.startsWith('RCPT') ? '550 5.1.1 gone\r\n' : undefined;
        return undefined;
      }),
    );

    const [first, second, third] = await sendAll(server.url, readers(3));

    expect([first, third]).toEqual([ACCEPTED, ACCEPTED]);
    expect(second).toMatchObject({ kind: 'refused', permanent: true, code: '5.1.1' });
    // This server says 354 all the same. It gets the final dot, and nothing of the message.
    expect(server.lines.filter((line) => line.startsWith('Message-ID:'))).toEqual([
      'Message-ID: <0@shop.example>',
      'Message-ID: <2@shop.example>',
    ]);
    const dataAt = server.lines.indexOf('DATA', server.lines.indexOf('RCPT TO:<reader1@home.example>'));
    expect(server.lines[dataAt + 1]).toBe('.');
  });

  it('replies in pieces of one byte, of many lines and in Unicode are read whole', async () => {
    await using server = await ScriptedSmtpServer.start(
      takesAll((line) =>
        line.includes('reader1@') && line.startsWith('RCPT') ? '550-é\r\n550 né\r\n' : undefined,
      ),
      (socket, text) => {
        socket.setNoDelay(true);
        for (const byte of Buffer.from(text)) socket.write(Buffer.of(byte));
      },
    );

    const [first, second] = await sendAll(server.url, readers(2));

    expect(first).toEqual(ACCEPTED);
    expect(second).toMatchObject({ kind: 'refused', code: '550', text: '550-é\n550 né' });
  });

  it.each([
    ['a line of 10 MB without an end', 'x'.repeat(10_000_000)],
    ['a reply of endless lines', '250-more\r\n'.repeat(100)],
    ['what is no reply', 'SSH-2.0-OpenSSH\r\n'],
  ])('%s ends the connection, and nobody is mailed', async (_what, text) => {
    await using server = await ScriptedSmtpServer.start(
      takesAll((line) => (line.startsWith('MAIL') ? text : undefined)),
    );

    expect(await sendAll(server.url, [reader(0)])).toMatchObject([{ kind: 'not_begun', blame: 'transport' }]);
  });

  it('the same after the body leaves the doubt', async () => {
    await using server = await ScriptedSmtpServer.start(
      takesAll((line) => (line === '.' ? 'x'.repeat(100_000) : undefined)),
    );

    expect(await sendAll(server.url, [reader(0)])).toMatchObject([{ kind: 'unknown' }]);
  });

  it.each([
    ['says 421', '421 4.7.0 enough for one connection\r\n'],
    ['hangs up', null],
  ])('a server that %s after each second message gets all of them, once', async (_how, farewell) => {
    const counts = new Map<number, number>();
    await using server = await ScriptedSmtpServer.start(
      takesAll((line, connection) => {
        const mails = (counts.get(connection) ?? 0) + (line.startsWith('MAIL') ? 1 : 0);
        counts.set(connection, mails);
        return mails > 2 ? (line.startsWith('MAIL') ? (farewell ?? 'HANG UP') : null) : undefined;
      }),
      (socket, text) => void (text === 'HANG UP' ? socket.destroy() : socket.write(text)),
    );

    const handOvers = await sendAll(server.url, readers(9));

    expect(handOvers).toEqual(handOvers.map(() => ACCEPTED));
    const ids = server.lines.filter((line) => line.startsWith('Message-ID:'));
    expect(new Set(ids).size).toBe(9);
    expect(ids).toHaveLength(9);
  });

  it('a 421 of a rate slows down, and is not tried over another connection', async () => {
    await using server = await ScriptedSmtpServer.start(
      takesAll((line) => (line.startsWith('MAIL') ? '421 too many messages, slow down\r\n' : undefined)),
    );

    expect(await sendAll(server.url, [reader(0)])).toMatchObject([{ kind: 'throttled' }]);
    expect(server.connections).toBe(1);
  });

  it('a connection that breaks after a body leaves that one in doubt, and not the one whose envelope was ahead', async () => {
    await using server = await ScriptedSmtpServer.start(
      takesAll((line, connection) => (line === '.' && connection === 1 ? 'HANG UP' : undefined)),
      (socket, text) => void (text === 'HANG UP' ? socket.destroy() : socket.write(text)),
    );

    const [first, second] = await sendAll(server.url, readers(2));

    expect(first).toMatchObject({ kind: 'unknown' });
    expect(second).toMatchObject({ kind: 'not_begun' });
    expect(server.lines).not.toContain('Message-ID: <1@shop.example>');
  });

  it('a server that reads nothing is given up after its time, with one message in doubt', async () => {
    const html = `<p>${'a lot of text '.repeat(500_000)}</p>`;
    await using server = await ScriptedSmtpServer.start(takesAll(), (socket, text) => {
      socket.write(text);
      if (text.startsWith('354')) socket.pause();
    });

    const [first, second] = await sendAll(server.url, [{ ...reader(0), html }, reader(1)], {
      socketTimeout: 500,
    });

    expect(first).toMatchObject({ kind: 'unknown' });
    expect(second).toMatchObject({ kind: 'not_begun' });
  });

  it('a server that is down is said to be down, after one attempt for each connection', async () => {
    await using server = await ScriptedSmtpServer.start(() => '421 going down\r\n');

    const handOvers = await sendAll(server.url, readers(12), { maxConnections: 4 });

    expect(handOvers).toMatchObject(handOvers.map(() => ({ kind: 'not_begun', blame: 'transport' })));
    expect(server.connections).toBeLessThanOrEqual(4);
  });

  it('a server that says more than it was asked is hung up on, and ends no process', async () => {
    await using server = await ScriptedSmtpServer.start(
      takesAll((line) => (line.startsWith('EHLO') ? '250 hello\r\n250 and again\r\n' : undefined)),
    );

    expect(await sendAll(server.url, [reader(0)])).toMatchObject([{ kind: 'not_begun', blame: 'transport' }]);
  });

  it('says RSET alone, and waits, where the server has not offered to take commands ahead', async () => {
    const commands: string[] = [];
    await using server = await ScriptedSmtpServer.start(
      takesAll((line) => {
        if (line.startsWith('EHLO')) return '250 hello\r\n';
        if (line.startsWith('RCPT') && line.includes('reader0@')) return '550 no\r\n';
        return undefined;
      }),
      (socket, text) => {
        commands.push(`<${text.trim()}`);
        setImmediate(() => socket.write(text));
      },
    );

    expect(await sendAll(server.url, readers(2))).toMatchObject([{ kind: 'refused' }, ACCEPTED]);

    expect(
      server.lines.filter((line) => /^(MAIL|RCPT|DATA|RSET)/.test(line)).map((line) => line.split(' ')[0]),
    ).toEqual(['MAIL', 'RCPT', 'RSET', 'MAIL', 'RCPT', 'DATA']);
    expect(server.mostAtOnce).toBe(1);
  });

  it.each([
    ['354 to RSET', 'RSET', '354 go on\r\n'],
    ['250 to DATA', 'DATA', '250 fine\r\n'],
  ])('a server that is out of step (%s) is hung up on', async (_what, at, nonsense) => {
    let isOut = false;
    await using server = await ScriptedSmtpServer.start(
      takesAll((line) => {
        if (line.startsWith('RCPT') && line.includes('reader0@')) return '550 no\r\n';
        if (line !== at || isOut || (at === 'DATA' && !server.lines.some((one) => one.includes('reader1@'))))
          return undefined;
        isOut = true;
        return nonsense;
      }),
    );

    const [first, second] = await sendAll(server.url, readers(2));

    expect(first).toMatchObject({ kind: 'refused' });
    expect(second.kind).not.toBe('refused');
    expect(server.connections).toBeGreaterThan(0);
    const copies = server.lines.filter((line) => line === 'Message-ID: <1@shop.example>').length;
    expect(copies).toBe(second.kind === 'accepted' ? 1 : 0);
  });

  it('a boundary that somebody has put into a letter separates nothing there', async () => {
    await using inbox = await SmtpInbox.start();
    const { hostname: host, port } = new URL(inbox.url);
    const connector = { connection: { host, port: Number(port) }, login: null };
    const sender = new BulkSmtpMessageSender(() => ({ connector, maxConnections: 1, idleMs: 30_000 }));
    sender.prepare();
    const send = (one: Partial<EmailMessage>): Promise<HandOver> =>
      sender.send({ ...MESSAGE, ...one }, new AbortController().signal);
    await send(reader(0));
    const boundary = /boundary="([^"]+)"/.exec(inbox.messages[0].raw.toString())![1];

    await send({ ...reader(1), text: `Hello\n--${boundary}\nContent-Type: text/html\n\n<b>mine</b>` });
    sender.onApplicationShutdown();

    const { html, text } = await inbox.messages[1].parsed();
    expect(html).not.toContain('mine');
    expect(text).toContain('mine');
  });

  it('an attachment that holds a message of ours ends where it ends', async () => {
    await using inbox = await SmtpInbox.start();
    await using rig = await senderRig(inbox.url, { isBulk: true });
    rig.sender.prepare();
    const flyer = [{ filename: 'flyer.pdf', content: Buffer.from('nothing much') }];
    await rig.send({ ...reader(0), attachments: flyer });
    const earlier = inbox.messages[0].raw.toString();
    // Nobody encodes it: it is a message already.
    const forwarded = [{ filename: 'earlier.eml', contentType: 'message/rfc822', content: earlier }];

    for (const n of [1, 2]) await rig.send({ ...reader(n), attachments: forwarded });

    for (const { raw } of inbox.messages.slice(1)) {
      expect(raw.toString()).toContain(earlier.trimEnd());
      const [, boundary] = /multipart\/mixed; boundary="([^"]+)"/.exec(raw.toString())!;
      expect(earlier).not.toContain(boundary);
    }
  });

  it.each([
    ['is said to have 8 bits', '250-hello\r\n250-PIPELINING\r\n250 8BITMIME\r\n', ' BODY=8BITMIME'],
    [
      'is sent as nodemailer sends it to a server that does not know of 8 bits',
      '250-hello\r\n250 PIPELINING\r\n',
      '',
    ],
  ])('an attached message, which may not be encoded, %s', async (_what, greeting, words) => {
    await using server = await ScriptedSmtpServer.start(
      takesAll((line) => (line.startsWith('EHLO') ? greeting : undefined)),
    );
    const forwarded = {
      filename: 'a.eml',
      contentType: 'message/rfc822',
      content: 'Subject: Grüße\r\n\r\nGrüße',
    };

    expect(await sendAll(server.url, [{ ...reader(0), attachments: [forwarded] }])).toEqual([ACCEPTED]);

    expect(server.lines).toContain(`MAIL FROM:<${MESSAGE.from.address}>${words}`);
    expect(server.lines).toContain(Buffer.from('Grüße').toString('latin1'));
  });

  const barred = (): never => {
    throw new Error('not any more');
  };

  it.each<[string, Begin]>([
    ['may not begin', barred],
    ['was announced and not written down', () => barred],
  ])('sends no body that %s, and goes on with the next one', async (_what, barredBegin) => {
    await using inbox = await SmtpInbox.start();
    const { hostname: host, port } = new URL(inbox.url);
    const connector = { connection: { host, port: Number(port) }, login: null };
    const sender = new BulkSmtpMessageSender(() => ({ connector, maxConnections: 1, idleMs: 30_000 }));
    sender.prepare();
    const asked: number[] = [];
    const send = (n: number, mayBegin: boolean): Promise<HandOver> =>
      sender.send({ ...MESSAGE, ...reader(n) }, new AbortController().signal, () => {
        asked.push(n);
        return mayBegin ? () => undefined : barredBegin();
      });

    const handOvers = await Promise.all([send(0, true), send(1, false), send(2, true)]);
    sender.onApplicationShutdown();

    expect(handOvers).toMatchObject([{ kind: 'accepted' }, { kind: 'not_begun' }, { kind: 'accepted' }]);
    expect(asked).toEqual([0, 1, 2]);
    expect(inbox.messages.map(({ to }) => to)).toEqual([['reader0@home.example'], ['reader2@home.example']]);
  });

  it('answers whoever comes after the end', async () => {
    await using server = await ScriptedSmtpServer.start(takesAll());
    const { hostname: host, port } = new URL(server.url);
    const connector = { connection: { host, port: Number(port) }, login: null };
    const sender = new BulkSmtpMessageSender(() => ({ connector, maxConnections: 1, idleMs: 30_000 }));
    sender.prepare();
    sender.onApplicationShutdown();

    expect(await sender.send(MESSAGE, new AbortController().signal)).toMatchObject({ kind: 'not_begun' });
    expect(server.connections).toBe(0);
  });

  it('opens no more connections than it may, and uses them all', async () => {
    await using inbox = await SmtpInbox.start();

    const handOvers = await sendAll(inbox.url, readers(60), { maxConnections: 3 });

    expect(handOvers).toEqual(handOvers.map(() => ACCEPTED));
    expect(inbox.connections).toMatchObject({ total: 3, peak: 3 });
    expect([...inbox.countsByRecipient().values()]).toEqual(Array(60).fill(1));
  });

  it('a server that takes two connections at a time gets all, over two', async () => {
    await using inbox = await SmtpInbox.start({ server: { maxClients: 2 } });

    const handOvers = await sendAll(inbox.url, readers(40), { maxConnections: 6 });

    expect(inbox.messages.length).toBe(handOvers.filter(({ kind }) => kind === 'accepted').length);
    expect(handOvers.every(({ kind }) => kind === 'accepted' || kind === 'throttled')).toBe(true);
    expect(inbox.connections.peak).toBeLessThanOrEqual(6);
  });

  it.each(['a@b>\r\nRCPT TO:<x@evil.example', 'a b@home.example'])(
    'an address that would break out of its command is refused: %j',
    async (address) => {
      await using server = await ScriptedSmtpServer.start(takesAll());

      expect(await sendAll(server.url, [{ to: { name: '', address } }])).toMatchObject([
        { kind: 'refused', permanent: true },
      ]);
      expect(server.lines.join()).not.toContain('evil');
    },
  );
});
