import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdMessagesAfter } from '../support/network/hold-messages.js';
import { freePort } from '../support/network/free-port.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import type { SmtpAnswer, SmtpCommand } from '../support/network/smtp-step.js';
import { waitUntil } from '../support/wait-until.js';
import { type SenderRigOptions, senderRig } from './sender-rig.js';

/** For a server that answers, on a busy machine. */
const LONG_MS = 20_000;
/** For a server that does not answer. */
const SHORT_MS = 600;

const ALL_OFFERED = { disabledCommands: [] };
const ALL_USED = { tls: { rejectUnauthorized: false }, auth: { user: 'shop', pass: 'secret' } };

describe.each([true, false])('MailerMessageSender.probe, with pool: %s', (pool) => {
  let inbox: SmtpInbox;
  let socketsBefore: number;
  let timersBefore: number;

  beforeEach(async () => {
    [socketsBefore, timersBefore] = [active('TCPSocketWrap'), active('Timeout')];
    inbox = await SmtpInbox.start({ server: ALL_OFFERED });
  });
  /** No connection of the probe stays, whatever its result. */
  afterEach(async () => {
    const isOver = (): boolean =>
      active('TCPSocketWrap') <= socketsBefore && active('Timeout') <= timersBefore;
    await waitUntil(isOver, { what: 'no socket and no timer', deadlineMs: 3_000 });
    await inbox.close();
  });

  const rigFor = async (url: string, options: SenderRigOptions = {}) => {
    const transport = { pool, ...ALL_USED, ...options.transport };
    const rig = await senderRig(url, { probeTimeoutMs: LONG_MS, ...options, transport });
    rig.sender.prepare();
    return rig;
  };
  const answering = (at: SmtpCommand, answer: SmtpAnswer): void => {
    inbox.answer = ({ command }) => (command === at ? answer : undefined);
  };

  it('returns null for a server that takes the login, and sends no message', async () => {
    await using rig = await rigFor(inbox.url);
    const seen: SmtpCommand[] = [];
    inbox.answer = ({ command }) => void seen.push(command);
    expect(await rig.sender.probe()).toBeNull();
    expect(seen).toEqual(['CONNECT', 'EHLO', 'STARTTLS', 'EHLO', 'AUTH']);
    await inbox.waitFor(({ connections }) => connections.open === 0, 2_000);
    expect(inbox.messages).toEqual([]);
  });

  it.each<[SmtpCommand, SmtpAnswer, string]>([
    ['CONNECT', { code: 421, text: 'too many connections' }, 'too many connections'],
    ['CONNECT', { code: 554, text: 'not you' }, 'not you'],
    ['CONNECT', 'close', 'closed'],
    ['EHLO', { code: 421, text: 'going down' }, 'going down'],
    ['STARTTLS', { code: 454, text: 'TLS not available' }, 'TLS not available'],
    ['STARTTLS', 'break-tls', ''],
    ['AUTH', { code: 535, text: '5.7.8 bad credentials' }, 'bad credentials'],
    ['AUTH', 'close', 'closed'],
  ])('B11 returns what is wrong at %s in one line: %j', async (at, answer, words) => {
    await using rig = await rigFor(inbox.url);
    answering(at, answer);
    const reason = await rig.sender.probe();
    expect(reason).toContain(words);
    expect(reason).toMatch(/^[^\r\n]+$/);
    inbox.answer = undefined;
    expect(await rig.sender.probe()).toBeNull();
  });

  it.each<SmtpCommand>(['CONNECT', 'EHLO', 'STARTTLS', 'AUTH'])(
    'B10 waits no longer than its timeout for a server that is silent at %s',
    async (at) => {
      await using rig = await rigFor(inbox.url, { probeTimeoutMs: SHORT_MS });
      answering(at, 'hang');
      const begun = performance.now();
      expect(await rig.sender.probe()).toEqual(expect.any(String));
      expect(performance.now() - begun).toBeLessThan(LONG_MS / 2);
      await inbox.waitFor(({ connections }) => connections.open === 0, 2_000);
    },
  );

  it('B10 waits no longer than its timeout for an answer that trickles in', async () => {
    const dripping = await drippingServer('EHLO');
    await using rig = await rigFor(dripping.url, { probeTimeoutMs: SHORT_MS });
    const begun = performance.now();
    expect(await rig.sender.probe()).toContain(`no answer within ${SHORT_MS} ms`);
    expect(performance.now() - begun).toBeLessThan(LONG_MS / 2);
    await dripping.stop();
  });

  it('B10 closes the connection to a server whose greeting trickles in', async () => {
    const dripping = await drippingServer('CONNECT');
    await using rig = await rigFor(dripping.url, { probeTimeoutMs: SHORT_MS });
    expect(await rig.sender.probe()).toEqual(expect.any(String));
    await waitUntil(() => dripping.connections() === 0, { what: 'the end of it', deadlineMs: 3_000 });
    await dripping.stop();
  });

  it('B10 does not wait for the answer to QUIT', async () => {
    const mute = await muteAtQuit();
    const transport = { ignoreTLS: true, auth: undefined };
    await using rig = await rigFor(mute.url, { transport, probeTimeoutMs: 2 * SHORT_MS });
    expect(await rig.sender.probe()).toBeNull();
    expect(mute.connections()).toBe(1);
    const ours = (): number => active('TCPSocketWrap') - socketsBefore - mute.connections();
    await waitUntil(() => ours() === 0, { what: 'the end of our side', deadlineMs: 3_000 });
    await mute.stop();
  });

  it('B11 reports that no server listens', async () => {
    await using rig = await rigFor(`smtp://127.0.0.1:${await freePort()}`);
    expect(await rig.sender.probe()).toContain('ECONNREFUSED');
  });

  it('uses the proxy of the transport', async () => {
    const proxy = createHttpServer();
    proxy.on('connect', (_request, client) => {
      const server = connect(Number(new URL(inbox.url).port), '127.0.0.1');
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(server).pipe(client);
    });
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    const { port } = proxy.address() as AddressInfo;
    await using rig = await rigFor('smtp://mail.invalid:25', {
      transport: { proxy: `http://127.0.0.1:${port}` },
    });
    expect(await rig.sender.probe()).toBeNull();
    expect(inbox.connections.total).toBe(1);
    proxy.close();
  });

  it('works beside messages in a full pool', async () => {
    await using rig = await rigFor(inbox.url);
    const release = holdMessagesAfter(inbox, 0);
    let answer!: () => void;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const sent = rig.send();
    await inbox.waitFor(1);
    expect(await Promise.all([rig.sender.probe(), rig.sender.probe()])).toEqual([null, null]);
    release();
    expect(await sent).toEqual({ kind: 'accepted' });
    let isAsked = false;
    inbox.answer = ({ command }) => {
      if (command !== 'AUTH' || isAsked) return undefined;
      isAsked = true;
      return answered;
    };
    const asking = rig.sender.probe();
    await waitUntil(() => isAsked, { what: 'the inquiry' });
    expect(await rig.send()).toEqual({ kind: 'accepted' });
    answer();
    expect(await asking).toBeNull();
  });
});

describe('MailerMessageSender.probe', () => {
  it('never rejects, not even without a transport', async () => {
    await using rig = await senderRig('smtp://127.0.0.1:1', { transporterName: 'bulk' });
    expect(await rig.sender.probe()).toContain('bulk');
  });

  it.each([
    ['can not be asked', {}, null],
    ['answers nothing', { verify: () => undefined }, null],
    ['throws', { verify: () => raise('not today') }, 'not today'],
    ['rejects in two lines', { verify: () => Promise.reject(new Error('not\r\ntoday')) }, 'not today'],
    ['never answers', { verify: () => new Promise(() => {}) }, `no answer within ${SHORT_MS} ms`],
  ])('accepts a transport of the host that %s', async (_what, own, answer) => {
    const transport = { name: 'own', version: '1', send() {}, ...own };
    await using rig = await senderRig('', {
      transport: { url: undefined, pool: undefined, ...transport },
      probeTimeoutMs: SHORT_MS,
    });
    expect(await rig.sender.probe()).toBe(answer);
  });
});

function raise(text: string): never {
  throw new Error(text);
}

/** Number of active resources of this type. */
function active(resource: 'TCPSocketWrap' | 'Timeout'): number {
  return process.getActiveResourcesInfo().filter((one) => one === resource).length;
}

interface RawServer {
  url: string;
  connections(): number;
  stop(): Promise<void>;
}

/** It closes only when the other side is gone, not after its half-close. */
async function rawServer(opened: (socket: Socket) => void): Promise<RawServer> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on('error', () => {}).once('close', () => open.delete(socket));
    opened(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => open.size,
    async stop() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers at that step with endless continuation lines. */
function drippingServer(at: 'CONNECT' | 'EHLO'): Promise<RawServer> {
  return rawServer((socket) => {
    const drip = (line: string): void => {
      const timer = setInterval(() => socket.write(line), 20);
      socket.once('close', () => clearInterval(timer));
    };
    if (at === 'CONNECT') return drip('220-more\r\n');
    socket.write('220 hello\r\n');
    socket.once('data', () => drip('250-more\r\n'));
  });
}

function muteAtQuit(): Promise<RawServer> {
  return rawServer((socket) => {
    socket.write('220 hello\r\n');
    socket.on('data', (line) => {
      if (!line.toString().startsWith('QUIT')) socket.write('250 fine\r\n');
    });
  });
}
