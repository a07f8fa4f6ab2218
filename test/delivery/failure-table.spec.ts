import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { EmailMessage, HandOver } from '../../libs/mailing/src/model/ports/email-message.sender.js';
import { holdMessagesAfter } from '../support/network/hold-messages.js';
import { freePort } from '../support/network/free-port.js';
import { SmtpInbox, type SmtpInboxOptions } from '../support/network/smtp-inbox.js';
import type { SmtpAnswer, SmtpCommand } from '../support/network/smtp-step.js';
import { MESSAGE, type SenderRig, senderRig } from './sender-rig.js';

const ACCEPTED = { kind: 'accepted' };
const NEVER = { kind: 'refused', permanent: true };
const LATER = { kind: 'refused', permanent: false };
const THROTTLED = { kind: 'throttled' };
const DOWN = { kind: 'not_begun', blame: 'transport' };
const UNCLEAR = { kind: 'not_begun', blame: 'unclear' };
const IN_DOUBT = { kind: 'unknown' };

/** Timeout of a transport that gives up by itself; long enough for the next message on a busy machine. */
const TIMEOUT_MS = 1_000;

/** Ways to one server. nodemailer reports differently for each, but the meaning must be the same. */
interface Way {
  transport?: object;
  server?: SmtpInboxOptions['server'];
  /** A message went over the connection before. */
  isWarm?: boolean;
  /** By `bulkSmtp`. */
  isBulk?: boolean;
}
const COLD_WAYS: [string, Way][] = [
  ['a pool that sends all commands at once', {}],
  ['a pool that sends one command at a time', { server: { hidePIPELINING: true } }],
  ['no pool', { transport: { pool: false } }],
  ['bulkSmtp', { isBulk: true }],
  ['bulkSmtp, one command at a time', { isBulk: true, server: { hidePIPELINING: true } }],
];
const WAYS: [string, Way][] = [
  ...COLD_WAYS,
  ['a connection that was used before', { isWarm: true }],
  [
    'a connection that was used before, one command at a time',
    { isWarm: true, server: { hidePIPELINING: true } },
  ],
  ['a bulkSmtp connection that was used before', { isWarm: true, isBulk: true }],
];

/** The server's behaviour, the step, the expected meaning, and the copies that arrived whole, whatever the answer then. */
type Row = [does: string, at: SmtpCommand | SmtpCommand[], answer: SmtpAnswer, means: object, copies: 0 | 1];

const BEFORE_THE_BODY = (['MAIL', 'RCPT', 'DATA'] as const).flatMap((at): Row[] => [
  ['450', at, { code: 450, text: 'try later' }, { ...LATER, code: '450' }, 0],
  ['451 with an enhanced code', at, { code: 451, text: '4.3.0 oops' }, { ...LATER, code: '4.3.0' }, 0],
  ['550', at, { code: 550, text: 'no' }, { ...NEVER, code: '550' }, 0],
  ['550 with an enhanced code', at, { code: 550, text: '5.1.1 gone' }, { ...NEVER, code: '5.1.1' }, 0],
  ['503, out of step', at, { code: 503, text: 'bad sequence' }, { ...LATER, code: '503' }, 0],
  ['B5 454 of a rate', at, { code: 454, text: 'maximum sending rate exceeded' }, THROTTLED, 0],
  [
    'B5 450 of a rate',
    at,
    { code: 450, text: '4.7.1 too many messages' },
    { ...THROTTLED, code: '4.7.1' },
    0,
  ],
  ['450 of one mailbox', at, { code: 450, text: '4.2.1 his rate limit' }, { ...LATER, code: '4.2.1' }, 0],
  ['B6 421 of a rate', at, { code: 421, text: '4.7.0 slow down' }, { ...THROTTLED, code: '4.7.0' }, 0],
  ['B6 421 without a reason', at, { code: 421, text: 'try later' }, { ...THROTTLED, code: '421' }, 0],
  ['421 of one mailbox', at, { code: 421, text: '4.2.1 his rate limit' }, { ...LATER, code: '4.2.1' }, 0],
  ['421, going down', at, { code: 421, text: 'shutting down' }, DOWN, 0],
  ['B11 530, no login', at, { code: 530, text: '5.7.0 login first' }, DOWN, 0],
  ['hangs up', at, 'close', DOWN, 0],
  ['hangs up in the middle of its answer', at, { code: 550, text: 'n', cut: true }, DOWN, 0],
]);

const AFTER_THE_BODY: Row[] = [
  ['452', 'END', { code: 452, text: 'disk full' }, { ...LATER, code: '452' }, 1],
  ['550', 'END', { code: 550, text: '5.7.1 spam' }, { ...NEVER, code: '5.7.1' }, 1],
  ['B5 454 of a rate', 'END', { code: 454, text: 'Throttling failure' }, { ...THROTTLED, code: '454' }, 1],
  ['450 of one mailbox', 'END', { code: 450, text: '4.2.1 his rate limit' }, { ...LATER, code: '4.2.1' }, 1],
  ['B6 421 of a rate', 'END', { code: 421, text: 'too many messages' }, THROTTLED, 1],
  ['421 without a reason', 'END', { code: 421, text: 'try later' }, { ...LATER, code: '421' }, 1],
  ['421, going down', 'END', { code: 421, text: 'shutting down' }, { ...LATER, code: '421' }, 1],
  ['A21 hangs up', 'END', 'close', IN_DOUBT, 1],
  ['A21 hangs up in the middle of a 550', 'END', { code: 550, text: 'n', cut: true }, IN_DOUBT, 1],
  ['A21 hangs up in the middle of a 421', 'END', { code: 421, text: 'slow d', cut: true }, IN_DOUBT, 1],
  ['A21 hangs up in the middle of its 250', 'END', { code: 250, text: 'O', cut: true }, IN_DOUBT, 1],
  ['A21 hangs up in the body', 'DATA', 'close-in-body', IN_DOUBT, 0],
];

const IN_THE_OPENING: Row[] = [
  ['B6 421 of a rate', 'CONNECT', { code: 421, text: 'too many connections' }, THROTTLED, 0],
  ['B6 421 without a reason', 'CONNECT', { code: 421, text: 'try later' }, THROTTLED, 0],
  ['B6 421 with a code of a mailbox', 'CONNECT', { code: 421, text: '4.2.1 busy' }, THROTTLED, 0],
  ['B6 450 of a rate', 'CONNECT', { code: 450, text: 'too many connections' }, THROTTLED, 0],
  ['B11 421, going down', 'CONNECT', { code: 421, text: 'Service not available' }, DOWN, 0],
  ['B11 451', 'CONNECT', { code: 451, text: 'try later' }, DOWN, 0],
  ['B11 554', 'CONNECT', { code: 554, text: 'too many connections' }, DOWN, 0],
  ['B11 hangs up', 'CONNECT', 'close', DOWN, 0],
  ['B6 421 of a rate', 'EHLO', { code: 421, text: 'too many connections' }, THROTTLED, 0],
  ['B11 421, going down', 'EHLO', { code: 421, text: 'going down' }, DOWN, 0],
  ['knows HELO only', 'EHLO', { code: 502, text: 'what?' }, ACCEPTED, 1],
  ['B11 550', ['EHLO', 'HELO'], { code: 550, text: 'not you' }, DOWN, 0],
  ['B6 450 of a rate', ['EHLO', 'HELO'], { code: 450, text: 'rate limited' }, THROTTLED, 0],
  ['B11 hangs up', 'EHLO', 'close', DOWN, 0],
];

const IN_STARTTLS: Row[] = [
  ['goes on', 'STARTTLS', undefined, ACCEPTED, 1],
  ['B11 454', 'STARTTLS', { code: 454, text: 'TLS not available' }, DOWN, 0],
  ['B6 421 of a rate', 'STARTTLS', { code: 421, text: 'too many new TLS sessions' }, THROTTLED, 0],
  ['B11 hangs up', 'STARTTLS', 'close', DOWN, 0],
  ['B11 breaks the handshake', 'STARTTLS', 'break-tls', DOWN, 0],
];

const IN_THE_LOGIN: Row[] = [
  ['goes on', 'AUTH', undefined, ACCEPTED, 1],
  ['B11 535', 'AUTH', { code: 535, text: '5.7.8 bad credentials' }, DOWN, 0],
  ['B11 454', 'AUTH', { code: 454, text: '4.7.0 Temporary authentication failure' }, DOWN, 0],
  ['B6 454 of a rate', 'AUTH', { code: 454, text: '4.7.0 Too many login attempts' }, THROTTLED, 0],
  ['B6 421 of a rate', 'AUTH', { code: 421, text: 'too many connections' }, THROTTLED, 0],
  ['B11 hangs up', 'AUTH', 'close', DOWN, 0],
];

const TLS: Way = {
  server: { disabledCommands: ['AUTH'] },
  transport: { tls: { rejectUnauthorized: false } },
};
const LOGIN: Way = {
  server: { disabledCommands: ['STARTTLS'] },
  transport: { auth: { user: 'shop', pass: 'secret' } },
};

interface Line extends AsyncDisposable {
  inbox: SmtpInbox;
  rig: SenderRig;
  /** Expects so many copies of the message, and that the next message gets through. */
  hasArrived(copies: 0 | 1): Promise<void>;
}

async function open({ server, transport, isWarm, isBulk }: Way): Promise<Line> {
  const inbox = await SmtpInbox.start({ server });
  const rig = await senderRig(inbox.url, { transport, isBulk });
  rig.sender.prepare();
  if (isWarm) await rig.send({ messageId: '<before@shop.example>' });
  const before = inbox.messages.length;
  expect(before).toBe(isWarm ? 1 : 0);
  return {
    inbox,
    rig,
    async hasArrived(copies) {
      inbox.answer = undefined;
      // Through the same pool, after anything that it might have requeued.
      expect(await rig.send({ messageId: '<next@shop.example>' })).toEqual(ACCEPTED);
      const ids = inbox.messages.slice(before).map(({ messageId }) => messageId);
      expect(ids).toEqual([...Array<string>(copies).fill(MESSAGE.messageId), '<next@shop.example>']);
    },
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await inbox.close();
    },
  };
}

async function sends(way: Way, [, at, answer, means, copies]: Row): Promise<void> {
  await using line = await open(way);
  line.inbox.answer = ({ command }) => ([at].flat().includes(command) ? answer : undefined);
  expect(await line.rig.send()).toMatchObject(means);
  await line.hasArrived(copies);
}

/** Sends, and aborts when the server has reached the step where it stays silent. */
function sendAndGiveUpAt({ inbox, rig }: Line, at: SmtpCommand, silence: SmtpAnswer): Promise<HandOver> {
  const controller = new AbortController();
  inbox.answer = ({ command }) => {
    if (command !== at) return undefined;
    setImmediate(() => controller.abort());
    return silence;
  };
  return rig.send({}, controller.signal);
}

describe.concurrent.each(WAYS)('over %s: what the mail server does in the dialogue', (_, way) => {
  it.each(BEFORE_THE_BODY)('%s at %s: the message is not delivered', (...row) => sends(way, row));
  it.each(AFTER_THE_BODY)('%s at %s', (...row) => sends(way, row));

  it.each<[SmtpCommand, object, 0 | 1]>([
    ['MAIL', UNCLEAR, 0],
    ['RCPT', UNCLEAR, 0],
    ['DATA', UNCLEAR, 0],
    ['END', IN_DOUBT, 1],
  ])('B10 is silent at %s until the sender gives up', async (at, means, copies) => {
    await using line = await open(way);
    expect(await sendAndGiveUpAt(line, at, 'hang')).toMatchObject(means);
    await line.hasArrived(copies);
  });

  it.each<[SmtpCommand, object, 0 | 1]>([
    ['MAIL', DOWN, 0],
    ['END', IN_DOUBT, 1],
  ])('B10 is silent at %s until the transport gives up', async (at, means, copies) => {
    await using line = await open({ ...way, transport: { ...way.transport, socketTimeout: TIMEOUT_MS } });
    line.inbox.answer = ({ command }) => (command === at ? 'hang' : undefined);
    expect(await line.rig.send()).toMatchObject(means);
    await line.hasArrived(copies);
  });

  it('A21 accepts the message after the sender has given up', async () => {
    await using line = await open(way);
    const controller = new AbortController();
    let release!: () => void;
    const late = new Promise<void>((resolve) => (release = resolve));
    line.inbox.answer = async ({ command }) => {
      if (command !== 'END') return;
      controller.abort();
      await late;
    };
    expect(await line.rig.send({}, controller.signal)).toMatchObject(IN_DOUBT);
    release();
    await line.hasArrived(1);
  });
});

describe.concurrent.each(COLD_WAYS)('over %s: what the mail server does before the dialogue', (_, way) => {
  const along = (other: Way): Way => ({
    isBulk: way.isBulk,
    server: { ...way.server, ...other.server },
    transport: { ...way.transport, ...other.transport },
  });

  it.each(IN_THE_OPENING)('%s at %s', (...row) => sends(way, row));
  it.each(IN_STARTTLS)('%s at %s', (...row) => sends(along(TLS), row));
  it.each(IN_THE_LOGIN)('%s at %s', (...row) => sends(along(LOGIN), row));

  it.each<[SmtpCommand, Way]>([
    ['CONNECT', {}],
    ['EHLO', {}],
    ['STARTTLS', TLS],
    ['AUTH', LOGIN],
  ])('B10 is silent at %s until the sender gives up', async (at, other) => {
    await using line = await open(along(other));
    expect(await sendAndGiveUpAt(line, at, 'hang')).toMatchObject(UNCLEAR);
    await line.hasArrived(0);
  });

  it('B10 is silent at CONNECT until the transport gives up', async () => {
    await using line = await open(along({ transport: { greetingTimeout: TIMEOUT_MS } }));
    line.inbox.answer = ({ command }) => (command === 'CONNECT' ? 'hang' : undefined);
    expect(await line.rig.send()).toMatchObject(DOWN);
    await line.hasArrived(0);
  });

  it('B11 has no TLS though it is required', async () => {
    await using line = await open(along({ transport: { requireTLS: true } }));
    expect(await line.rig.send()).toMatchObject(DOWN);
    expect(line.inbox.messages).toEqual([]);
  });

  it('B11 has an untrusted certificate', async () => {
    await using line = await open(along({ server: TLS.server }));
    expect(await line.rig.send()).toMatchObject(DOWN);
    expect(line.inbox.messages).toEqual([]);
  });

  it.each([
    ['that is not there', async () => `smtp://127.0.0.1:${await freePort()}`, 'ECONNREFUSED'],
    ['whose name does not exist', async () => 'smtp://mail.invalid:25', 'mail.invalid'],
  ])('B11 a server %s', async (_what, url, words) => {
    await using rig = await senderRig(await url(), { transport: way.transport, isBulk: way.isBulk });
    rig.sender.prepare();
    const handOver = await rig.send();
    expect(handOver).toMatchObject(DOWN);
    expect((handOver as { text: string }).text).toContain(words);
  });
});

describe.concurrent.each(WAYS)('over %s: failures of one message', (_, way) => {
  const cc = [{ name: '', address: 'archive@shop.example' }];
  const JOSE = { name: 'José', address: 'josé@xn--bcher-kva.example' };

  it.each<[string, Partial<EmailMessage>, string, SmtpAnswer, object, 0 | 1]>([
    ['the recipient of a copy is refused', { cc }, 'archive@', { code: 550 }, ACCEPTED, 1],
    ['the recipient is refused, not the copy', { cc }, 'ann@', { code: 550, text: '5.1.1 gone' }, NEVER, 1],
    ['the recipient is deferred, not the copy', { cc }, 'ann@', { code: 450, text: 'busy' }, LATER, 1],
    ['C5 the same where the local part is not ASCII', { cc, to: JOSE }, 'josé@', { code: 550 }, NEVER, 1],
    ['both are refused', { cc }, '@', { code: 550, text: '5.1.1 gone' }, NEVER, 0],
  ])('%s', async (_case, message, refused, answer, means, copies) => {
    await using line = await open(way);
    // nodemailer sends the message if one address is accepted, `bulkSmtp` only if the recipient's own is.
    const isSent = copies === 1 && !(way.isBulk && means !== ACCEPTED);
    line.inbox.answer = ({ command, to }) =>
      command === 'RCPT' && to.at(-1)?.includes(refused) ? answer : undefined;
    expect(await line.rig.send(message)).toMatchObject(means);
    await line.hasArrived(isSent ? 1 : 0);
  });

  it('a message too big for the server', async () => {
    await using line = await open({ ...way, server: { ...way.server, size: 9_000, rejectOversized: true } });
    const html = `<p>${'a lot of text '.repeat(1_000)}</p>`;
    expect(await line.rig.send({ html })).toMatchObject({ ...NEVER, code: '552' });
    await line.hasArrived(1);
  });

  it('a message with a missing attachment', async () => {
    await using line = await open(way);
    const path = join(tmpdir(), 'no-such-leaflet.pdf');
    const attachments = [{ filename: 'leaflet.pdf', path }];
    const handOver = await line.rig.send({ attachments });
    expect(handOver).toMatchObject({ ...NEVER, code: 'ESTREAM' });
    expect((handOver as { text: string }).text).toContain(path);
    await line.hasArrived(0);
  });
});

describe('a transport of the host', () => {
  it.each([
    ['reads the message, and makes a second one of it for a second try', IN_DOUBT, true],
    ['makes a second one, and reads neither', DOWN, false],
  ])('that %s', async (_what, means, isRead) => {
    const send = async (
      { message }: { message: { createReadStream(): Readable } },
      done: (error: Error) => void,
    ): Promise<void> => {
      if (isRead) await text(message.createReadStream());
      else message.createReadStream();
      message.createReadStream();
      done(Object.assign(new Error('Connection closed'), { code: 'ECONNECTION', command: 'CONN' }));
    };
    const own = { name: 'own', version: '1', send };
    await using rig = await senderRig('', { transport: { url: undefined, pool: undefined, ...own } });
    rig.sender.prepare();
    expect(await rig.send()).toMatchObject(means);
  });
});

describe('a pool with limits', () => {
  it('B6 sends all messages once to a server that takes two connections at a time', async () => {
    await using inbox = await SmtpInbox.start({ server: { maxClients: 2 } });
    await using rig = await senderRig(inbox.url, { transport: { maxConnections: 6 } });
    rig.sender.prepare();
    let waiting = Array.from({ length: 12 }, (_, idx) => `<${idx}@shop.example>`);
    let throttled = 0;
    for (let round = 0; waiting.length > 0 && round < 20; round++) {
      const handOvers = await Promise.all(waiting.map((messageId) => rig.send({ messageId })));
      for (const one of handOvers) expect(['accepted', 'throttled']).toContain(one.kind);
      waiting = waiting.filter((_, at) => handOvers[at].kind === 'throttled');
      throttled += waiting.length;
    }
    expect(throttled).toBeGreaterThan(0);
    const ids = inbox.messages.map(({ messageId }) => messageId);
    expect([ids.length, new Set(ids).size]).toEqual([12, 12]);
  });

  it('finishes messages in flight when it is closed, and begins no others', async () => {
    await using line = await open({});
    const release = holdMessagesAfter(line.inbox, 0);
    const underWay = line.rig.send();
    await line.inbox.waitFor(1);
    const waiting = line.rig.send({ messageId: '<waiting@shop.example>' });
    await new Promise(setImmediate);
    line.rig.mailer.getTransporter().close();
    expect(await waiting).toMatchObject(DOWN);
    expect(await line.rig.send({ messageId: '<later@shop.example>' })).toMatchObject(DOWN);
    release();
    expect(await underWay).toEqual(ACCEPTED);
    expect(line.inbox.messages).toHaveLength(1);
  });
});
