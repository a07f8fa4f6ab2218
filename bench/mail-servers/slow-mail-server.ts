import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { FarSmtpSession } from '../measures/far-smtp.session.js';
import { SlowSmtpSession } from '../measures/slow-smtp.session.js';

/** Messages since the last reset. Times are seconds of this process's monotonic clock. */
export interface Received {
  /** Messages, second copies included. */
  messages: number;
  /** Distinct recipients. */
  recipients: number;
  /** From the first final dot to the last one. */
  seconds: number;
  /** Time of the first final dot, in milliseconds of the epoch; monotonic within a process. */
  firstAtMs: number;
  /** Delays of the replies in this process; the excess over the configured delay is an error of the bench. */
  replyMs: { mean: number; p99: number; least: number };
}

/** Slower replies count as this. */
const SLOWEST_REPLY_MS = 1_000;

/**
 * A mail server that accepts everything, and delays each reply but the greeting by so many milliseconds.
 *
 * It is written by hand on sockets because it must not be the bottleneck: a library that parses addresses and streams bodies
 * needs more time for a message than its sender. It answers one command after the other, so PIPELINING, which it does not
 * offer, would save a sender nothing here. A distant one offers it, and its replies overlap.
 */
export class SlowMailServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #recipients = new Set<string>();
  #messages = 0;
  #firstAt = 0;
  #lastAt = 0;
  #wanted = Number.POSITIVE_INFINITY;
  #replies: number[] = [];
  #leastReplyMs = Number.POSITIVE_INFINITY;
  #sumReplyMs = 0;

  constructor(
    private readonly replyMs: number,
    private readonly allReceived: () => void,
    private readonly isFar = false,
  ) {
    this.#server = createServer((socket) => this.#welcome(socket));
  }

  /** @returns its URL. */
  async listen(): Promise<string> {
    this.#server.listen({ port: 0, host: '127.0.0.1', backlog: 1_000 });
    await once(this.#server, 'listening');
    return `smtp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resets its counts, and reports once so many distinct recipients have got a message. */
  expect(recipients: number): void {
    this.#recipients = new Set();
    this.#messages = 0;
    this.#wanted = recipients;
    this.#replies = Array<number>(SLOWEST_REPLY_MS + 1).fill(0);
    this.#leastReplyMs = Number.POSITIVE_INFINITY;
    this.#sumReplyMs = 0;
  }

  received(): Received {
    const replies = this.#replies.reduce((sum, count) => sum + count, 0);
    let seen = 0;
    const p99 = this.#replies.findIndex((count) => (seen += count) >= replies * 0.99);
    return {
      messages: this.#messages,
      recipients: this.#recipients.size,
      seconds: (this.#lastAt - this.#firstAt) / 1_000,
      firstAtMs: performance.timeOrigin + this.#firstAt,
      replyMs: { mean: this.#sumReplyMs / replies, p99, least: this.#leastReplyMs },
    };
  }

  get numConnections(): number {
    return this.#sockets.size;
  }

  /** Cuts every connection. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #welcome(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    // A killed sender resets its connections.
    socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
    const Session = this.isFar ? FarSmtpSession : SlowSmtpSession;
    const session = new Session(socket, this.replyMs, {
      received: (recipients) => this.#receive(recipients),
      replied: (afterMs) => this.#note(afterMs),
    });
    session.greet();
  }

  #receive(recipients: string[]): void {
    this.#lastAt = performance.now();
    if (this.#messages++ === 0) this.#firstAt = this.#lastAt;
    for (const recipient of recipients) this.#recipients.add(recipient);
    if (this.#recipients.size < this.#wanted) return;
    this.#wanted = Number.POSITIVE_INFINITY;
    this.allReceived();
  }

  #note(afterMs: number): void {
    const bucket = Math.min(SLOWEST_REPLY_MS, Math.ceil(afterMs));
    this.#replies[bucket] = (this.#replies[bucket] ?? 0) + 1;
    this.#leastReplyMs = Math.min(this.#leastReplyMs, afterMs);
    this.#sumReplyMs += afterMs;
  }
}
