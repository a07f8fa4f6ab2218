import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createTransport } from 'nodemailer';
import { afterEach, describe, expect, it } from 'vitest';
import { SmtpInbox, type SmtpInboxOptions } from './smtp-inbox.js';
import type { SmtpAnswer, SmtpCommand } from './smtp-step.js';

describe('SmtpInbox', () => {
  let inbox: SmtpInbox;

  const start = async (options?: SmtpInboxOptions) => (inbox = await SmtpInbox.start(options));
  const answerAt = (command: SmtpCommand, answer: SmtpAnswer) =>
    start({ answer: (step) => (step.command === command ? answer : undefined) });
  const send = (to: string | string[] = 'ann@example.com', text = 'Hello') =>
    createTransport(inbox.url).sendMail({
      from: 'news@example.com',
      to,
      subject: 'Grüße 📬',
      text,
      messageId: '<1@example.com>',
    });

  afterEach(() => inbox.close().catch(() => {}));

  it('keeps each message: envelope in ASCII, headers, whole text', async () => {
    await start();

    await send(['ann@bücher.example', 'bob@example.com'], '.dot at the start\r\n..two\r\n');

    const [message] = inbox.messages;
    expect(message).toMatchObject({
      from: 'news@example.com',
      to: ['ann@xn--bcher-kva.example', 'bob@example.com'],
      messageId: '<1@example.com>',
      connection: 1,
    });
    expect(message.header('From')).toBe('news@example.com');
    const parsed = await message.parsed();
    expect(parsed.subject).toBe('Grüße 📬');
    expect(parsed.text).toContain('.dot at the start\n..two');
  });

  it('counts copies for each recipient', async () => {
    await start();

    await send(['ann@example.com', 'bob@example.com']);
    await send('ann@example.com');

    expect(inbox.countsByRecipient()).toEqual(
      new Map([
        ['ann@example.com', 2],
        ['bob@example.com', 1],
      ]),
    );
  });

  it('keeps no more whole messages than keepRaw says', async () => {
    await start({ keepRaw: 1 });

    await send();
    await send();

    expect(inbox.messages[0].raw.toString()).toContain('Hello');
    expect(inbox.messages[1].messageId).toBe('<1@example.com>');
    expect(() => inbox.messages[1].raw).toThrow('keepRaw');
  });

  it.each<SmtpCommand>(['MAIL', 'RCPT', 'DATA', 'END'])('refuses at %s', async (command) => {
    await answerAt(command, { code: 550, text: '5.1.1 Nobody' });

    await expect(send()).rejects.toMatchObject({ responseCode: 550, response: '550 5.1.1 Nobody' });

    expect(inbox.messages).toHaveLength(command === 'END' ? 1 : 0);
  });

  it('refuses at the greeting', async () => {
    await answerAt('CONNECT', { code: 421, text: 'Busy' });

    await expect(send()).rejects.toMatchObject({ responseCode: 421, command: 'CONN' });
  });

  it.each<[SmtpCommand, number]>([
    ['EHLO', 421],
    ['STARTTLS', 454],
    ['AUTH', 535],
  ])('refuses at %s', async (command, code) => {
    await start({
      server: { disabledCommands: [] },
      answer: (step) => (step.command === command ? { code, text: 'No' } : undefined),
    });
    const login = { user: 'shop', pass: 'secret' };
    const transport = createTransport({ url: inbox.url, auth: login, tls: { rejectUnauthorized: false } });

    await expect(transport.verify()).rejects.toMatchObject({ responseCode: code, response: `${code} No` });

    inbox.answer = undefined;
    await transport.verify();
    // Also on a connection that was upgraded to TLS.
    await inbox.waitFor(({ connections }) => connections.open === 0);
  });

  it('breaks the TLS handshake after accepting STARTTLS', async () => {
    await start({
      server: { disabledCommands: ['AUTH'] },
      answer: ({ command }) => (command === 'STARTTLS' ? 'break-tls' : undefined),
    });

    await expect(send()).rejects.toMatchObject({ code: 'ESOCKET', message: expect.stringMatching(/SSL/) });
  });

  it('closes the connection before the end of a line', async () => {
    await answerAt('MAIL', { code: 550, text: 'Nob', cut: true });
    const client = await Client.greeted(inbox);

    client.socket.write('MAIL FROM:<a@example.com>\r\n');
    await once(client.socket, 'close');

    expect(client.heard).toMatch(/\r\n550 Nob$/);
  });

  it('refuses one recipient and takes the others', async () => {
    await start({
      answer: ({ command, to }) =>
        command === 'RCPT' && to.at(-1) === 'bob@example.com' ? { code: 450, text: 'Later' } : undefined,
    });

    const { rejected } = await send(['ann@example.com', 'bob@example.com', 'cid@example.com']);

    expect(rejected).toEqual(['bob@example.com']);
    expect(inbox.messages[0].to).toEqual(['ann@example.com', 'cid@example.com']);
  });

  it('accepts with the text that a test gives', async () => {
    await answerAt('END', { code: 250, text: 'Queued as 42' });

    expect((await send()).response).toBe('250 Queued as 42');
  });

  it.each<SmtpCommand>(['CONNECT', 'MAIL', 'RCPT', 'DATA'])(
    'closes the connection at %s, with no message received',
    async (command) => {
      await answerAt(command, 'close');

      await expect(send()).rejects.toThrow();

      expect(inbox.messages).toHaveLength(0);
    },
  );

  it('closes the connection after the message, with the message received', async () => {
    await answerAt('END', 'close');

    await expect(send()).rejects.toThrow();

    expect(inbox.messages).toHaveLength(1);
  });

  it('closes the connection in the body, with no message received', async () => {
    await answerAt('DATA', 'close-in-body');
    const client = await Client.greeted(inbox);
    await client.say('MAIL FROM:<a@example.com>', 'RCPT TO:<b@example.com>', 'DATA');
    expect(client.heard).toMatch(/354 [^\n]*\n$/);

    client.socket.write('Subject: x\r\n\r\nThe first of many lines\r\n');
    await once(client.socket, 'close');

    expect(inbox.messages).toHaveLength(0);
  });

  it('does not count a message whose sender dies before the final dot', async () => {
    await start();
    const client = await Client.greeted(inbox);
    await client.say('MAIL FROM:<a@example.com>', 'RCPT TO:<b@example.com>', 'DATA');

    client.socket.end('Subject: x\r\n\r\nNearly all of it\r\n');
    await inbox.waitFor(({ connections }) => connections.open === 0);

    expect(inbox.messages).toHaveLength(0);
  });

  it('counts a message before answering it, and holds the answer until the hook settles', async () => {
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    await start({ answer: async ({ command }) => (command === 'END' ? held : undefined) });

    let isAnswered = false;
    const sent = send().then(() => (isAnswered = true));
    await inbox.waitFor(1);
    expect(isAnswered).toBe(false);

    release();
    await sent;
  });

  it('never answers at a step that hangs, and cuts the connection on close', async () => {
    await answerAt('END', 'hang');

    const outcome = send().then(
      () => 'answered',
      () => 'cut off',
    );
    await inbox.waitFor(1);
    await inbox.close();

    expect(await outcome).toBe('cut off');
    expect(inbox.connections).toEqual({ open: 0, peak: 1, total: 1 });
  });

  it('counts connections, and passes the number to the hook', async () => {
    const seen = new Set<number>();
    await start({ answer: ({ connection }) => void seen.add(connection) });
    const pool = createTransport({ url: inbox.url, pool: true, maxConnections: 2 });

    const mail = { from: 'a@example.com', to: 'b@example.com', text: 'x' };
    await Promise.all(Array.from({ length: 6 }, () => pool.sendMail(mail)));
    pool.close();
    await inbox.waitFor(({ connections }) => connections.open === 0);

    expect(inbox.connections).toEqual({ open: 0, peak: 2, total: 2 });
    expect([...seen]).toEqual([1, 2]);
    expect(inbox.messages).toHaveLength(6);
  });

  it('can be started again on the same port', async () => {
    await start();
    const { url } = inbox;
    await inbox.close();
    await expect(send()).rejects.toThrow();

    await start({ port: Number(new URL(url).port) });
    await send();

    expect(inbox.url).toBe(url);
    expect(inbox.messages).toHaveLength(1);
  });

  it('names in its error what it waited for', async () => {
    await start();
    await send();

    await expect(inbox.waitFor(2, 50)).rejects.toThrow('Waited 50 ms in vain for 2 messages; 1 arrived.');
  });

  it('rejects on close if a hook has thrown', async () => {
    await start({
      answer: () => {
        throw new Error('a fault of the test');
      },
    });

    await expect(send()).rejects.toThrow();

    await expect(inbox.waitFor(1)).rejects.toThrow('a fault of the test');
    await expect(inbox.close()).rejects.toThrow('a fault of the test');
  });
});

/** A client that sends its lines one at a time. */
class Client {
  heard = '';

  private constructor(readonly socket: Socket) {
    socket.setEncoding('utf8').on('data', (text: string) => (this.heard += text));
  }

  static async greeted(inbox: SmtpInbox): Promise<Client> {
    const client = new Client(connect(Number(new URL(inbox.url).port), '127.0.0.1'));
    await once(client.socket, 'data');
    await client.say('HELO test');
    return client;
  }

  async say(...lines: string[]): Promise<void> {
    for (const line of lines) {
      this.socket.write(`${line}\r\n`);
      await once(this.socket, 'data');
    }
  }
}
