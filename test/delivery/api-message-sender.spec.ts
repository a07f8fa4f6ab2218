import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { ApiMessageSender, ApiSendError, type ApiVerdict, type HandOver } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { checkedHandOver } from '../../libs/mailing/src/delivery/transport/hand-over.check.js';
import { freePort } from '../support/network/free-port.js';
import { EmailApiServer } from '../support/network/email-api.server.js';
import { postSender } from '../support/hosts/post-sender.js';
import { never } from '../support/silence.js';
import { MESSAGE } from './sender-rig.js';

const signal = (): AbortSignal => new AbortController().signal;

/** What becomes of a message whose `send` throws this. */
const afterError = async (error: unknown): Promise<HandOver> =>
  checkedHandOver(await new ApiMessageSender({ send: () => Promise.reject(error) }).send(MESSAGE, signal()));

/** A server that reads the beginning of a request, and cuts the connection. */
async function cuttingServer(): Promise<AsyncDisposable & { url: string }> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.resetAndDestroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/emails`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const VERDICTS: [number[], ApiVerdict][] = [
  [[400, 406, 411, 413, 415, 422, 451], 'refused'],
  [[408, 425], 'later'],
  [[429], 'throttled'],
  [[301, 307, 401, 402, 403, 404, 405, 407, 410, 421, 426], 'outage'],
  [[200, 409, 500, 501, 502, 503, 504, 599], 'unknown'],
];

const kindOf = ({ kind, ...more }: HandOver): string =>
  kind === 'refused' ? `${kind} ${'permanent' in more && more.permanent ? 'for good' : 'for now'}` : kind;

const KINDS: Record<ApiVerdict, string> = {
  refused: 'refused for good',
  later: 'refused for now',
  throttled: 'throttled',
  outage: 'not_begun',
  unknown: 'unknown',
};

describe('an answer of an API', () => {
  it.each(VERDICTS.flatMap(([statuses, verdict]) => statuses.map((status) => [status, verdict] as const)))(
    '%i is %s',
    async (status, verdict) => {
      const handOver = await afterError(new ApiSendError({ status }));
      expect(kindOf(handOver)).toBe(KINDS[verdict]);
      expect(handOver).toMatchObject(
        verdict === 'outage' ? { blame: 'transport' } : { code: String(status), text: `status ${status}` },
      );
    },
  );

  it('is what the host says it is, whatever its status', async () => {
    for (const verdict of Object.keys(KINDS) as ApiVerdict[]) {
      const error = new ApiSendError({ status: 400, code: '5.1.1', text: 'no such user', verdict });
      const handOver = await afterError(error);
      expect(kindOf(handOver)).toBe(KINDS[verdict]);
      expect(handOver).toMatchObject({ text: 'no such user' });
    }
  });

  it.each([
    ['status', { status: 422 }],
    ['statusCode', { statusCode: 422 }],
    ['response.status', { response: { status: 422 } }],
    ['$metadata.httpStatusCode', { $metadata: { httpStatusCode: 422 } }],
  ])('is known by the %s of a usual client’s error', async (_, fields) => {
    const handOver = await afterError(Object.assign(new Error('no'), fields));
    expect(handOver).toEqual({ kind: 'refused', permanent: true, code: '422', text: 'no' });
  });

  it('has the Retry-After of its head, in seconds or as a date, and the beginning of its body', async () => {
    const of = (value: string, body = ''): Promise<ApiSendError> =>
      ApiSendError.from(new Response(body, { status: 429, headers: { 'retry-after': value } }));
    expect((await of('7')).retryAfterMs).toBe(7_000);
    const inAMinute = await of(new Date(Date.now() + 60_000).toUTCString());
    expect(inAMinute.retryAfterMs).toBeGreaterThan(50_000);
    expect(inAMinute.retryAfterMs).toBeLessThanOrEqual(60_000);
    for (const wrong of ['soon', '-1', '0', new Date(0).toUTCString()])
      expect((await of(wrong)).retryAfterMs).toBeUndefined();
    expect((await of('1', 'slow down')).message).toBe('429: slow down');
    const endless = new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(1_000).fill(120)) });
    const cut = await ApiSendError.from(new Response(endless, { status: 429 }));
    expect(cut.message).toHaveLength(4_096 + '429: '.length);
    expect(await afterError(await of('7200'))).toMatchObject({ kind: 'throttled', retryAfterMs: 3_600_000 });
  });

  it('has no text where its body breaks off', async () => {
    const body = new ReadableStream({ pull: (to) => to.error(new Error('cut')) });
    const error = await ApiSendError.from(new Response(body, { status: 503 }));
    expect([error.status, error.message]).toEqual([503, '503']);
  });
});

describe('a request without an answer', () => {
  it('that found no server has not begun', async () => {
    const closed = await postSender(`http://127.0.0.1:${await freePort()}/emails`).send(MESSAGE, signal());
    expect(closed).toMatchObject({ kind: 'not_begun', blame: 'transport' });
    expect('text' in closed && closed.text).toContain('ECONNREFUSED');
    const nowhere = await postSender('http://api.post.invalid/emails').send(MESSAGE, signal());
    expect(nowhere).toMatchObject({ kind: 'not_begun', blame: 'transport' });
  });

  it('is unknown if the connection breaks after its first byte', async () => {
    await using server = await cuttingServer();
    const cut = await postSender(server.url).send(MESSAGE, signal());
    expect(cut.kind).toBe('unknown');
    await using api = await EmailApiServer.start();
    api.reply = () => 'lost';
    expect((await postSender(api.url).send(MESSAGE, signal())).kind).toBe('unknown');
    expect(api.accepted).toHaveLength(1);
  });

  it('is unknown after its deadline', async () => {
    await using api = await EmailApiServer.start();
    api.reply = () => 'late';
    const late = await postSender(api.url).send(MESSAGE, AbortSignal.timeout(100));
    expect(late).toMatchObject({ kind: 'unknown', code: 'deadline' });
  });

  it.each<[string, HandOver['kind'], unknown]>([
    ['several addresses, none of which answers', 'not_begun', several('connect', 'connect')],
    ['several addresses, one of which broke later', 'unknown', several('connect', 'read')],
    ['a certificate that is not trusted', 'not_begun', caused({ code: 'CERT_HAS_EXPIRED' })],
    ['a connection that took too long', 'not_begun', caused({ code: 'UND_ERR_CONNECT_TIMEOUT' })],
    [
      'a host that is out of reach in the middle',
      'unknown',
      caused({ code: 'EHOSTUNREACH', syscall: 'read' }),
    ],
    ['nothing', 'unknown', undefined],
    ['a cause of itself', 'unknown', circular()],
    ['fields that throw', 'unknown', new Proxy({}, { get: () => raise() })],
  ])('that reports %s is %s', async (_, kind, error) => {
    expect((await afterError(error)).kind).toBe(kind);
  });

  it('is not made when its deadline has passed', async () => {
    const calls: string[] = [];
    const sender = new ApiMessageSender({ send: async (message) => void calls.push(message.messageId) });
    expect(await sender.send(MESSAGE, AbortSignal.abort())).toMatchObject({
      kind: 'not_begun',
      blame: 'unclear',
    });
    expect(calls).toEqual([]);
  });
});

describe('ApiMessageSender', () => {
  it('gives each message a UUID of its own, the same in each attempt', async () => {
    const keys: string[] = [];
    const api = {
      send: async (_: unknown, { idempotencyKey }: { idempotencyKey: string }) =>
        void keys.push(idempotencyKey),
    };
    for (const idx of [4, 4, 5]) {
      const messageId = `<0197-mailing.${idx}@shop.example>`;
      expect(await new ApiMessageSender(api).send({ ...MESSAGE, messageId }, signal())).toEqual({
        kind: 'accepted',
      });
    }
    // Fixed: another version of the plugin must make the same keys, or a restart with it would send twice.
    expect(keys).toEqual([
      KEY_OF_4,
      KEY_OF_4,
      expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-5[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/),
    ]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  it('asks the API of the host by probe, and takes silence for yes', async () => {
    const send = (): Promise<void> => never();
    expect(await new ApiMessageSender({ send }).probe()).toBeNull();
    expect(await new ApiMessageSender({ send, probe: async () => 'closed' }).probe()).toBe('closed');
  });

  it.each([undefined, null, {}, { send: 'https://api.post.example' }])('refuses the API %j', (api) => {
    expect(() => new ApiMessageSender(api as never)).toThrow('expected an API with a function send');
  });
});

/** Version 5 of `mid:0197-mailing.4%40shop.example` among the names that are URLs. */
const KEY_OF_4 = '0197f367-831f-5406-b86c-9e1edb88c3f7';

function caused(cause: object): Error {
  return new TypeError('fetch failed', { cause: Object.assign(new Error('why'), cause) });
}

function several(...syscalls: string[]): Error {
  const errors = syscalls.map((syscall) => Object.assign(new Error('why'), { syscall, code: 'ETIMEDOUT' }));
  return new TypeError('fetch failed', { cause: new AggregateError(errors) });
}

function circular(): Error {
  const error = new Error('again');
  error.cause = error;
  return error;
}

function raise(): never {
  throw new Error('sealed');
}
