import { Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { BulkSmtpMessageSender } from '../../libs/mailing/src/delivery/smtp/bulk-smtp-message.sender.js';
import type {
  Begin,
  EmailMessage,
  HandOver,
} from '../../libs/mailing/src/model/ports/email-message.sender.js';
import { ScriptedSmtpServer, takesAll } from '../support/network/scripted-smtp.server.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { MESSAGE, senderRig } from './sender-rig.js';

const ACCEPTED: HandOver = { kind: 'accepted' };

/** Sends all messages at once by a sender over one connection. */
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

  it('writes an envelope together with the body before it, also after waiting for an answer', async () => {
    // Commands that arrive together are answered together, as servers do.
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

  it('fails only the recipient that is refused in a pipeline, and never sends its body', async () => {
    await using server = await ScriptedSmtpServer.start(
      takesAll((line) => {
        if (line.includes('reader1@')) return line.startsWith('RCPT') ? '550 5.1.1 gone\r\n' : undefined;
        return undefined;
      }),
    );

    const [first, second, third] = await sendAll(server.url, readers(3));

    expect([first, third]).toEqual([ACCEPTED, ACCEPTED]);
    expect(second).toMatchObject({ kind: 'refused', permanent: true, code: '5.1.1' });
    // This server answers 354 anyway. It gets the final dot, and nothing of the message.
    expect(server.lines.filter((line) => line.startsWith('Message-ID:'))).toEqual([
      'Message-ID: <0@shop.example>',
      'Message-ID: <2@shop.example>',
    ]);
    const dataAt = server.lines.indexOf('DATA', server.lines.indexOf('RCPT TO:<reader1@home.example>'));
    expect(server.lines[dataAt + 1]).toBe('.');
  });

  it('reads replies in chunks of one byte, of many lines and in Unicode whole', async () => {
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
  ])('closes the connection after %s, and sends no message', async (_what, text) => {
    await using server = await ScriptedSmtpServer.start(
      takesAll((line) => (line.startsWith('MAIL') ? text : undefined)),
    );

    expect(await sendAll(server.url, [reader(0)])).toMatchObject([{ kind: 'not_begun', blame: 'transport' }]);
  });

  it('leaves a message in doubt after an invalid reply to its body', async () => {
    await using server = await ScriptedSmtpServer.start(
      takesAll((line) => (line === '.' ? 'x'.repeat(100_000) : undefined)),
    );

    expect(await sendAll(server.url, [reader(0)])).toMatchObject([{ kind: 'unknown' }]);
  });

  it.each([
    ['says 421', '421 4.7.0 enough for one connection\r\n'],
    ['hangs up', null],
  ])('sends all messages once to a server that %s after each second message', async (_how, farewell) => {
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

  it('throttles after a 421 of a rate, without another connection', async () => {
    await using server = await ScriptedSmtpServer.start(
      takesAll((line) => (line.startsWith('MAIL') ? '421 too many messages, slow down\r\n' : undefined)),
    );

    expect(await sendAll(server.url, [reader(0)])).toMatchObject([{ kind: 'throttled' }]);
    expect(server.connections).toBe(1);
  });

  it('leaves only the message in doubt whose body was sent when the connection breaks', async () => {
    await using server = await ScriptedSmtpServer.start(
      takesAll((line, connection) => (line === '.' && connection === 1 ? 'HANG UP' : undefined)),
      (socket, text) => void (text === 'HANG UP' ? socket.destroy() : socket.write(text)),
    );

    const [first, second] = await sendAll(server.url, readers(2));

    expect(first).toMatchObject({ kind: 'unknown' });
    expect(second).toMatchObject({ kind: 'not_begun' });
    expect(server.lines).not.toContain('Message-ID: <1@shop.example>');
  });

  it('gives up a server that stops reading after its timeout, with one message in doubt', async () => {
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

  it('reports that a server is down after one attempt for each connection', async () => {
    await using server = await ScriptedSmtpServer.start(() => '421 going down\r\n');

    const handOvers = await sendAll(server.url, readers(12), { maxConnections: 4 });

    expect(handOvers).toMatchObject(handOvers.map(() => ({ kind: 'not_begun', blame: 'transport' })));
    expect(server.connections).toBeLessThanOrEqual(4);
  });

  it('closes the connection to a server that sends unexpected replies, without an uncaught error', async () => {
    await using server = await ScriptedSmtpServer.start(
      takesAll((line) => (line.startsWith('EHLO') ? '250 hello\r\n250 and again\r\n' : undefined)),
    );

    expect(await sendAll(server.url, [reader(0)])).toMatchObject([{ kind: 'not_begun', blame: 'transport' }]);
  });

  it('waits for the answer to RSET if the server does not offer PIPELINING', async () => {
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
  ])('closes the connection to a server that is out of step (%s)', async (_what, at, nonsense) => {
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

  it('does not let a MIME boundary in a body separate parts', async () => {
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

  it('sends an attachment whole that contains another message of the sender', async () => {
    await using inbox = await SmtpInbox.start();
    await using rig = await senderRig(inbox.url, { isBulk: true });
    rig.sender.prepare();
    const flyer = [{ filename: 'flyer.pdf', content: Buffer.from('nothing much') }];
    await rig.send({ ...reader(0), attachments: flyer });
    const earlier = inbox.messages[0].raw.toString();
    // It is not encoded, because it is a message already.
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
  ])('sends an attached message without encoding; it %s', async (_what, greeting, words) => {
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
  ])('sends no body that %s, and goes on with the next message', async (_what, barredBegin) => {
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

  it('begins no message after it was closed', async () => {
    await using server = await ScriptedSmtpServer.start(takesAll());
    const { hostname: host, port } = new URL(server.url);
    const connector = { connection: { host, port: Number(port) }, login: null };
    const sender = new BulkSmtpMessageSender(() => ({ connector, maxConnections: 1, idleMs: 30_000 }));
    sender.prepare();
    sender.onApplicationShutdown();

    expect(await sender.send(MESSAGE, new AbortController().signal)).toMatchObject({ kind: 'not_begun' });
    expect(server.connections).toBe(0);
  });

  it('opens as many connections as configured, and uses them all', async () => {
    await using inbox = await SmtpInbox.start();

    const handOvers = await sendAll(inbox.url, readers(60), { maxConnections: 3 });

    expect(handOvers).toEqual(handOvers.map(() => ACCEPTED));
    expect(inbox.connections).toMatchObject({ total: 3, peak: 3 });
    expect([...inbox.countsByRecipient().values()]).toEqual(Array(60).fill(1));
  });

  it('sends all messages over two connections if the server takes no more', async () => {
    await using inbox = await SmtpInbox.start({ server: { maxClients: 2 } });

    const handOvers = await sendAll(inbox.url, readers(40), { maxConnections: 6 });

    expect(inbox.messages.length).toBe(handOvers.filter(({ kind }) => kind === 'accepted').length);
    expect(handOvers.every(({ kind }) => kind === 'accepted' || kind === 'throttled')).toBe(true);
    expect(inbox.connections.peak).toBeLessThanOrEqual(6);
  });

  it.each(['a@b>\r\nRCPT TO:<x@evil.example', 'a b@home.example'])(
    'refuses an address that would break out of its command: %j',
    async (address) => {
      await using server = await ScriptedSmtpServer.start(takesAll());

      expect(await sendAll(server.url, [{ to: { name: '', address } }])).toMatchObject([
        { kind: 'refused', permanent: true },
      ]);
      expect(server.lines.join()).not.toContain('evil');
    },
  );
});
