import { once } from 'node:events';
import { type AddressInfo, createServer, connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { MessageDeadlines } from '../../libs/mailing/src/delivery/message-deadlines.js';

/** The process does nothing for this time, as if it had been suspended. */
function sleepAll(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

async function connected(): Promise<{ near: Socket; far: Socket } & AsyncDisposable> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [far] = await accepted;
  await once(near, 'connect');
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      near.destroy();
      far.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('the deadline of messages', () => {
  it('comes after the answers that were there when a suspended process wakes up', async () => {
    await using sockets = await connected();
    const deadline = new MessageDeadlines(50).begin(new AbortController().signal);
    const order: string[] = [];
    deadline.signal.addEventListener('abort', () => order.push('deadline'));
    const giveUp = (): void => void order.push('given up');
    deadline.waitFor(giveUp);
    const answered = new Promise<void>((resolve) =>
      sockets.near.once('data', () => {
        order.push('answer');
        deadline.over(giveUp);
        resolve();
      }),
    );
    sockets.far.write('250 2.0.0 Ok\r\n');
    sleepAll(200);
    await answered;
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(order).toEqual(['answer']);
  });

  it('is followed by a grace, after which an answer that is there still counts', async () => {
    await using sockets = await connected();
    const deadline = new MessageDeadlines(20).begin(new AbortController().signal);
    const order: string[] = [];
    const ended = new Promise<void>((resolve) => {
      const giveUp = (): void => (order.push('given up'), resolve());
      deadline.waitFor(giveUp);
      sockets.near.once('data', () => (order.push('answer'), deadline.over(giveUp), resolve()));
    });
    await once(deadline.signal, 'abort');
    sockets.far.write('250 2.0.0 Ok\r\n');
    sleepAll(1_200);
    await ended;
    expect(order).toEqual(['answer']);
  });

  it('aborts a message that gets no answer, and stops waiting for it', async () => {
    const deadline = new MessageDeadlines(20).begin(new AbortController().signal);
    const givenUp = new Promise<void>((resolve) => deadline.waitFor(resolve));
    await once(deadline.signal, 'abort');
    await givenUp;
    expect(deadline.signal.aborted).toBe(true);
  });
});
