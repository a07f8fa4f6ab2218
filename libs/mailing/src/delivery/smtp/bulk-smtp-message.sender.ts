import type { BulkSmtpSettings } from './bulk-smtp.settings.js';
import { publicReasonOf } from '../../model/values/public-text.js';
import { classifyFailure } from '../transport/classify-failure.js';
import {
  type Begin,
  type EmailMessage,
  type HandOver,
  type PreparedSender,
  PROBE_TIMEOUT_MS,
} from '../../model/ports/email-message.sender.js';
import { composeAny, isMoreThanLetter, MessageEncoder } from '../mime/message.encoder.js';
import { isAscii } from '../mime/is-ascii.js';
import { connectToSmtp, type SmtpFeatures } from './smtp.connector.js';
import { asOfTransport } from './smtp.errors.js';
import type { QueuedMessage } from './queued-message.js';
import { type SessionOwner, SmtpSession } from './smtp.session.js';
import type { WireContent } from '../mime/wire-content.js';

/** After a connection was refused, no further one is opened for this long while others work: servers limit their number. */
const REFUSED_MS = 1_000;
const STOPPING = new Error('The application is stopping.');

/** Characters that end an address or a command. Addresses were validated long before; this is the last check. */
// oxlint-disable-next-line no-control-regex
const BREAKS_OUT = /[\u0000-\u0020<>\u007f]/;

/**
 * Speaks SMTP itself, for volume: one round trip per message, and neither a stream nor a general composer for each.
 *
 * Connections are opened on demand and kept; each carries up to two messages. What a mailer adds to a message is not supported: plugins, a DKIM
 * key, proxies.
 */
export class BulkSmtpMessageSender implements PreparedSender {
  readonly callsBegin = true;
  readonly #encoder = new MessageEncoder('smtp');
  readonly #sessions = new Map<SmtpSession, { idleSince: number }>();
  readonly #closing = new AbortController();
  #waiting: QueuedMessage[] = [];
  /** Connection attempts in flight. */
  readonly #opening = new Set<AbortController>();
  readonly #bySignal = new WeakMap<AbortSignal, Set<QueuedMessage>>();
  #mayOpenFrom = 0;
  #sweeper: NodeJS.Timeout | undefined;

  #settings: BulkSmtpSettings = { connector: { connection: {}, login: null }, maxConnections: 0, idleMs: 0 };

  /** @param read called by `prepare`, and again for each connection, because the host may change its login or add a plugin. */
  constructor(
    private readonly read: () => BulkSmtpSettings,
    private readonly probeTimeoutMs = PROBE_TIMEOUT_MS,
  ) {}

  /** @throws BulkSmtpUnsupportedError if messages must pass through the host's mailer; TransporterMissingError. */
  prepare(): void {
    this.#settings = this.read();
  }

  async send(
    message: EmailMessage,
    signal: AbortSignal,
    begin: Begin = () => () => undefined,
  ): Promise<HandOver> {
    try {
      const addresses = addressesOf(message);
      const content = isMoreThanLetter(message)
        ? await Promise.race([this.#beyondLetter(message), aborted(signal)])
        : [];
      if (content === null || signal.aborted) return classifyFailure({ code: 'EABORT' }, 'nowhere');
      const contentFor = ({ eightBit }: SmtpFeatures): WireContent =>
        'pieces' in content ? content : this.#encoder.letter(message, eightBit, content);
      return await this.#enqueue(addresses, contentFor, begin, signal);
    } catch (error) {
      // The message could not be made.
      return classifyFailure(error, 'nowhere');
    }
  }

  /** @returns the attachments of a letter, or the whole message. */
  async #beyondLetter(message: EmailMessage): Promise<readonly Buffer[] | WireContent> {
    return (await this.#encoder.attachmentsOf(message)) ?? composeAny(message);
  }

  async probe(): Promise<string | null> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(this.probeTimeoutMs)]);
    try {
      const opened = await connectToSmtp(this.read().connector, signal);
      new SmtpSession(opened, { onRoom: () => undefined, onGone: () => undefined }).close();
      return null;
    } catch (error) {
      return publicReasonOf(error);
    }
  }

  /** Closes all connections. Call it when no message is in flight any more. */
  onApplicationShutdown(): void {
    this.#closing.abort();
    for (const opening of this.#opening) opening.abort();
    clearInterval(this.#sweeper);
    for (const session of this.#sessions.keys()) session.close();
    this.#sessions.clear();
    this.#answerWaiting(STOPPING);
  }

  #enqueue(
    { from, to }: Addresses,
    contentFor: QueuedMessage['contentFor'],
    begin: Begin,
    signal: AbortSignal,
  ): Promise<HandOver> {
    return new Promise((resolve) => {
      const message: QueuedMessage = {
        from,
        to,
        contentFor,
        begin,
        needsUtf8: !isAscii(from) || !to.every(isAscii),
        isSecondTry: false,
        answer: (handOver) => {
          waiting.delete(message);
          resolve(handOver);
        },
      };
      const waiting = this.#waitingFor(signal).add(message);
      this.#waiting.push(message);
      if (this.#closing.signal.aborted) this.#answerWaiting(STOPPING);
      else this.#assignWaiting();
    });
  }

  /** Messages in flight under one signal. Many messages share a signal: a listener for each would cost as much as writing the message. */
  #waitingFor(signal: AbortSignal): Set<QueuedMessage> {
    const known = this.#bySignal.get(signal);
    if (known) return known;
    const messages = new Set<QueuedMessage>();
    this.#bySignal.set(signal, messages);
    const abandonAll = (): void => {
      for (const message of messages) this.#abandon(message);
    };
    signal.addEventListener('abort', abandonAll, { once: true });
    return messages;
  }

  #abandon(message: QueuedMessage): void {
    for (const session of this.#sessions.keys()) if (session.abandon(message)) return;
    this.#waiting = this.#waiting.filter((one) => one !== message);
    message.answer(classifyFailure({ code: 'EABORT' }, 'nowhere'));
    // More attempts than waiting messages: end the oldest, so that the next message does not wait for a server that does not answer in time.
    if (this.#opening.size > this.#waiting.length) [...this.#opening][0].abort();
  }

  /** Assigns the waiting messages: first to idle connections, then to new ones, then behind a message that is in flight. */
  #assignWaiting(): void {
    while (this.#waiting.length > 0) {
      const session = this.#sessionFor();
      if (!session) return;
      this.#handTo(session, this.#waiting.shift() as QueuedMessage);
    }
  }

  #sessionFor(): SmtpSession | null {
    let ahead: SmtpSession | null = null;
    for (const session of this.#sessions.keys()) {
      if (session.hasRoom && session.load === 0) return session;
      if (session.hasRoom) ahead ??= session;
    }
    while (this.#opening.size < this.#waiting.length && this.#mayOpen) void this.#open();
    return this.#opening.size < this.#waiting.length ? ahead : null;
  }

  get #mayOpen(): boolean {
    if (this.#sessions.size + this.#opening.size >= this.#settings.maxConnections) return false;
    // Without any connection an attempt is always allowed: `#onOpenFailed` has answered the messages that waited.
    const isAlone = this.#sessions.size === 0 && this.#opening.size === 0;
    return isAlone || performance.now() >= this.#mayOpenFrom;
  }

  #handTo(session: SmtpSession, message: QueuedMessage): void {
    if (message.needsUtf8 && !session.features.smtpUtf8) {
      const text = 'The mail server does not offer SMTPUTF8, which this address needs.';
      return message.answer({ kind: 'refused', permanent: true, code: '5.6.7', text });
    }
    try {
      session.send(message);
    } catch (error) {
      message.answer(classifyFailure(error, 'nowhere'));
    }
  }

  async #open(): Promise<void> {
    const opening = new AbortController();
    this.#opening.add(opening);
    try {
      this.#settings = this.read();
      const opened = await connectToSmtp(this.#settings.connector, opening.signal);
      this.#opening.delete(opening);
      this.#admit(opened);
    } catch (error) {
      this.#opening.delete(opening);
      if (!opening.signal.aborted) this.#onOpenFailed(error);
    }
    this.#assignWaiting();
  }

  #admit(opened: Awaited<ReturnType<typeof connectToSmtp>>): void {
    const owner: SessionOwner = {
      onRoom: () => {
        const facts = this.#sessions.get(session);
        if (facts && session.load === 0) facts.idleSince = performance.now();
        this.#assignWaiting();
      },
      onGone: (untouched) => {
        this.#sessions.delete(session);
        for (const one of untouched) this.#takeBack(one);
        this.#assignWaiting();
      },
    };
    const session = new SmtpSession(opened, owner, this.#settings.connector.connection.socketTimeout);
    if (this.#closing.signal.aborted) return session.close();
    this.#sessions.set(session, { idleSince: performance.now() });
    this.#sweeper ??= setInterval(() => this.#closeIdle(), this.#settings.idleMs / 3).unref();
  }

  #takeBack(message: QueuedMessage): void {
    message.isSecondTry = true;
    this.#waiting.unshift(message);
  }

  /** If other connections are open or opening, the waiting messages use those. If none is, they are answered with this error. */
  #onOpenFailed(error: unknown): void {
    this.#mayOpenFrom = performance.now() + REFUSED_MS;
    if (this.#sessions.size > 0 || this.#opening.size > 0) return;
    this.#answerWaiting(error);
  }

  #answerWaiting(error: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) message.answer(classifyFailure(asOfTransport(error), 'nowhere'));
  }

  #closeIdle(): void {
    for (const [session, { idleSince }] of this.#sessions) {
      if (session.load > 0 || performance.now() - idleSince < this.#settings.idleMs) continue;
      this.#sessions.delete(session);
      session.close();
    }
  }
}

type Addresses = Pick<QueuedMessage, 'from' | 'to'>;

function addressesOf({
  from: { address },
  envelopeFrom: from = address,
  to,
  cc,
  bcc,
}: EmailMessage): Addresses {
  const recipients = [to, ...(cc ?? []), ...(bcc ?? [])].map(({ address }) => address);
  for (const address of [from, ...recipients]) {
    if (BREAKS_OUT.test(address)) throw new Error(`No address for an envelope: ${JSON.stringify(address)}`);
  }
  return { from, to: recipients.length > 1 ? [...new Set(recipients)] : recipients };
}

function aborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener('abort', () => resolve(null), { once: true });
  });
}
