import { EventEmitter, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { SMTPServerOptions } from 'smtp-server';
import { type Envelope, ReceivedMessage } from './received-message.js';
import { SmtpInboxServer } from './smtp-inbox.server.js';
import type { SmtpAnswer, SmtpCommand, SmtpHook } from './smtp-step.js';

export interface SmtpInboxOptions {
  /** Decides what the server answers; see `SmtpAnswer`. */
  answer?: SmtpHook;
  /** How many messages, from the first, are kept whole; default all. Of the others the envelope and id remain. */
  keepRaw?: number;
  /** The port of an inbox that was closed; default a free one. */
  port?: number;
  /** Of `smtp-server`, for example `maxClients`, `size`, `hidePIPELINING`, or `disabledCommands: []` for TLS and login. */
  server?: SMTPServerOptions;
}

export interface ConnectionCounts {
  open: number;
  /** The largest number of connections that were open at one moment. */
  peak: number;
  total: number;
}

/**
 * An SMTP server in this process that keeps every message, on loopback, without TLS and login unless `server` says otherwise.
 *
 * A message counts as received once its final dot has arrived, before the answer, because from then on a real server may have it,
 * whatever the sender hears.
 */
export class SmtpInbox implements AsyncDisposable {
  readonly messages: ReceivedMessage[] = [];
  /** May be changed at any time; it applies from the next step on. */
  answer: SmtpHook | undefined;

  private readonly server: SmtpInboxServer;
  private readonly keepRaw: number;
  private readonly changes = new EventEmitter().setMaxListeners(0);
  private readonly counts: ConnectionCounts = { open: 0, peak: 0, total: 0 };
  private port = 0;
  private hookFailure: unknown;

  private constructor(options: SmtpInboxOptions) {
    this.answer = options.answer;
    this.keepRaw = options.keepRaw ?? Infinity;
    this.server = new SmtpInboxServer(
      {
        opened: () => this.count(+1),
        closed: () => this.count(-1),
        answer: (command, connection, envelope) => this.ask(command, connection, envelope),
        received: (raw, connection, envelope) => this.receive(raw, connection, envelope),
      },
      options.server,
    );
  }

  static async start(options: SmtpInboxOptions = {}): Promise<SmtpInbox> {
    const inbox = new SmtpInbox(options);
    const listener = inbox.server.listen(options.port ?? 0, '127.0.0.1');
    await once(listener, 'listening');
    inbox.port = (listener.address() as AddressInfo).port;
    return inbox;
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  get connections(): Readonly<ConnectionCounts> {
    return { ...this.counts };
  }

  /** Copies by envelope recipient. */
  countsByRecipient(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const address of this.messages.flatMap(({ to }) => to)) {
      counts.set(address, (counts.get(address) ?? 0) + 1);
    }
    return counts;
  }

  /**
   * Resolves once so many messages have arrived, or the condition holds. The condition is checked after every message and every
   * connection that opens or closes.
   */
  async waitFor(condition: number | ((inbox: SmtpInbox) => boolean), deadlineMs = 10_000): Promise<void> {
    const holds = () => (typeof condition === 'number' ? this.messages.length >= condition : condition(this));
    const deadline = AbortSignal.timeout(deadlineMs);
    while (!holds()) {
      if (this.hookFailure) throw this.hookFailure;
      await once(this.changes, 'change', { signal: deadline }).catch(() => {
        const what = typeof condition === 'number' ? `${condition} messages` : 'a condition';
        throw new Error(`Waited ${deadlineMs} ms in vain for ${what}; ${this.messages.length} arrived.`);
      });
    }
  }

  /** Cuts every connection. Rejects if a hook has thrown, because a test with a broken hook proves nothing. */
  async close(): Promise<void> {
    await this.server.stop();
    if (this.hookFailure) throw this.hookFailure;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private receive(raw: Buffer, connection: number, envelope: Envelope): Promise<SmtpAnswer> {
    const message = new ReceivedMessage(envelope, connection, raw, this.messages.length < this.keepRaw);
    this.messages.push(message);
    this.changes.emit('change');
    return this.ask('END', connection, envelope, message);
  }

  private async ask(
    command: SmtpCommand,
    connection: number,
    { from, to }: Envelope,
    message?: ReceivedMessage,
  ): Promise<SmtpAnswer> {
    try {
      return await this.answer?.({ command, connection, from, to, message });
    } catch (error) {
      this.hookFailure ??= error;
      this.changes.emit('change');
      return { code: 451, text: 'The hook of the test has thrown' };
    }
  }

  private count(change: 1 | -1): void {
    this.counts.open += change;
    this.counts.total += Math.max(change, 0);
    this.counts.peak = Math.max(this.counts.peak, this.counts.open);
    this.changes.emit('change');
  }
}
