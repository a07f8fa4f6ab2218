import type { Socket } from 'node:net';
import { classifyFailure } from '../transport/classify-failure.js';
import { MailTransaction } from './mail.transaction.js';
import type { QueuedMessage } from './queued-message.js';
import { type Reply, ReplyParser } from './reply.parser.js';
import { SmtpReply } from '../transport/smtp-reply.js';
import { asOfTransport, connectionError, errorOf, type SmtpStep } from './smtp.errors.js';
import type { OpenedConnection, SmtpFeatures } from './smtp.connector.js';
import { SocketWriter } from './socket.writer.js';

/** Callbacks to the owner of a session. */
export interface SessionOwner {
  /** There is room for another message. */
  onRoom: () => void;
  /** The session is closed. Messages in `untouched` were not begun, and another session may send them. */
  onGone: (untouched: QueuedMessage[]) => void;
}

interface Awaited {
  step: SmtpStep;
  of: MailTransaction;
  /** Index in `to`, for `RCPT TO`. */
  at: number;
}

/** Messages in one session: one whose body is being sent, and one whose envelope goes ahead. */
const MAX_MESSAGES = 2;

/** nodemailer's default `socketTimeout`. A message has its own deadline, which is mostly shorter. */
const SILENCE_MS = 600_000;

/**
 * One connection that is open and logged in, and the mail transactions that it carries.
 *
 * With PIPELINING (RFC 2920) a message costs one round trip: its envelope leaves in the same write as the body of the message
 * before it, so the server's 354 for it arrives right behind the answer to that body.
 *
 *     client   MAIL RCPT DATA │ body 1 . MAIL RCPT DATA │ body 2 . MAIL …
 *     server                  │ 250 250 354             │ 250 250 250 354
 *
 * A broken connection leaves at most one message in doubt: the one whose body was begun and not answered. The one whose envelope was
 * ahead was not begun.
 */
export class SmtpSession {
  readonly #socket: Socket;
  readonly #features: SmtpFeatures;
  readonly #parser = new ReplyParser();
  readonly #travelling: MailTransaction[] = [];
  readonly #awaited: Awaited[] = [];
  readonly #writer: SocketWriter;
  /** The server has answered a body here, so it works. A message that was not begun may then try another connection. */
  #isTrusted = false;
  #isGone = false;
  #isTransactionOpen = false;

  constructor(
    { socket, features }: OpenedConnection,
    private readonly owner: SessionOwner,
    silenceMs = SILENCE_MS,
  ) {
    this.#socket = socket;
    this.#writer = new SocketWriter(socket);
    this.#features = features;
    socket.setTimeout(silenceMs || SILENCE_MS);
    socket.on('timeout', () => {
      if (this.load > 0) this.#break(new Error('The mail server fell silent.'));
    });
    // An idle connection does not keep the process alive.
    socket.unref();
    socket.on('data', (piece: Buffer) => this.#onData(piece));
    socket.on('error', (error) => this.#break(error));
    socket.on('close', () => this.#break(new Error('The mail server closed the connection.')));
    socket.on('end', () => this.#break(new Error('The mail server closed the connection.')));
  }

  get load(): number {
    return this.#travelling.length;
  }

  get hasRoom(): boolean {
    return !this.#isGone && this.load < (this.#features.pipelining ? MAX_MESSAGES : 1);
  }

  get features(): SmtpFeatures {
    return this.#features;
  }

  /** @throws what `contentFor` throws; the session has not accepted the message then. */
  send(queued: QueuedMessage): void {
    const one = new MailTransaction(queued, this.#features);
    const ahead = this.#travelling.at(-1);
    this.#travelling.push(one);
    this.#socket.ref();
    // Nothing may be sent between the DATA of a message and its body.
    if (!ahead || ahead.reach === 'body') this.#writer.write(this.#envelopeOf(one));
  }

  /**
   * The time of a message is over: answers what is known of it. Other messages of this session go on if they can.
   *
   * @returns whether the message is in this session.
   */
  abandon(queued: QueuedMessage): boolean {
    const one = this.#travelling.find((each) => each.queued === queued);
    if (!one) return false;
    one.answer(classifyFailure({ code: 'EABORT' }, one.reach));
    one.isAbandoned = true;
    // The first message blocks the session, so the session ends. A message behind it is skipped when its turn comes.
    if (one === this.#travelling[0]) this.#giveUp();
    return true;
  }

  /** Sends QUIT and does not wait for the reply. With messages in flight, breaks the connection instead. */
  close(): void {
    if (this.#isGone) return;
    if (this.load > 0) return this.#break(new Error('The application is stopping.'));
    this.#isGone = true;
    this.#socket.end('QUIT\r\n');
    this.#socket.setTimeout(1_000, () => this.#socket.destroy());
  }

  #onData(piece: Buffer): void {
    if (this.#isGone) return;
    try {
      for (const reply of this.#parser.read(piece)) {
        this.#onReply(reply);
        if (this.#isGone) return;
      }
    } catch (error) {
      this.#break(error);
    }
  }

  #onReply(reply: Reply): void {
    const awaited = this.#awaited.shift();
    // A reply that answers no command can only announce that the server closes the connection.
    if (!awaited) return this.#break(errorOf(reply, 'CONN'));
    const { step, of, at } = awaited;
    if (reply.status === 421) return this.#onServiceClosing(of, reply, step);
    if (step === 'BODY') this.#isTrusted = true;
    if (step === 'RSET') return this.#afterReset(of, reply);
    switch (of.onReply(step, at, reply)) {
      case 'wait':
        return;
      case 'RCPT TO':
        return this.#writer.write(this.#command(of, 'RCPT TO', step === 'RCPT TO' ? at + 1 : 0));
      case 'DATA':
        return this.#writer.write(this.#command(of, 'DATA'));
      case 'body':
        return this.#sendBody(of);
      case 'dot':
        this.#await(of, 'BODY');
        return this.#writer.write('.\r\n');
      case 'refused':
        of.fail();
        // A refused transaction may still be open at the server, so the next message sends RSET first.
        this.#isTransactionOpen = true;
        return this.#finish(of);
      case 'answered':
        return this.#finish(of);
      case 'give up':
        return this.#giveUp();
      case 'out of step':
        return this.#break(new Error(`The mail server said ${reply.status} to ${step}.`));
    }
  }

  /** The commands that open its transaction. Their replies are awaited from here on, so the caller must write them at once. */
  #envelopeOf(one: MailTransaction): string {
    const { pipelining } = this.#features;
    one.isEnvelopeOut = true;
    let commands = '';
    if (this.#isTransactionOpen) {
      this.#isTransactionOpen = false;
      this.#await(one, 'RSET');
      commands = 'RSET\r\n';
      if (!pipelining) return commands;
    }
    commands += this.#command(one, 'MAIL FROM');
    if (!pipelining) return commands;
    for (let at = 0; at < one.queued.to.length; at++) commands += this.#command(one, 'RCPT TO', at);
    return one.sendsDataAhead ? commands + this.#command(one, 'DATA') : commands;
  }

  #afterReset(one: MailTransaction, reply: Reply): void {
    if (reply.status >= 300) return this.#break(errorOf(reply, 'CONN'));
    if (!this.#features.pipelining) this.#writer.write(this.#envelopeOf(one));
  }

  /** Sends the body, and with it the envelope of the message behind it. */
  #sendBody(one: MailTransaction): void {
    let confirm = (): void => undefined;
    if (!this.#isAllowed(one, () => (confirm = one.queued.begin()))) return;
    this.#writer.checkBeforeWrite(() => this.#isAllowed(one, confirm));
    one.reach = 'body';
    this.#await(one, 'BODY');
    const next = this.#travelling[1];
    const goesAhead = next && !next.isEnvelopeOut && !next.isAbandoned;
    const envelope = goesAhead ? this.#envelopeOf(next) : '';
    this.#writer.write(...one.content.pieces, envelope);
    this.owner.onRoom();
  }

  /** Whether the body may leave. If not, this ends the session, because the server waits for a body. */
  #isAllowed(one: MailTransaction, announce: () => void): boolean {
    try {
      announce();
      return true;
    } catch (error) {
      one.answer(classifyFailure(asOfTransport(error), 'session'));
      this.#giveUp();
      return false;
    }
  }

  #finish(one: MailTransaction): void {
    this.#travelling.splice(this.#travelling.indexOf(one), 1);
    const [next] = this.#travelling;
    if (next?.isAbandoned && !next.isEnvelopeOut) return this.#finish(next);
    if (next && !next.isEnvelopeOut) this.#writer.write(this.#envelopeOf(next));
    if (!next) this.#socket.unref();
    this.owner.onRoom();
  }

  /** Its reply is awaited from here on, so the caller must write it at once. */
  #command(one: MailTransaction, step: 'MAIL FROM' | 'RCPT TO' | 'DATA', at = 0): string {
    this.#await(one, step, at);
    return one.command(step, at);
  }

  #await(of: MailTransaction, step: SmtpStep, at = 0): void {
    this.#awaited.push({ step, of, at });
  }

  /** A 421 answers this message and ends the session. */
  #onServiceClosing(one: MailTransaction, reply: Reply, step: SmtpStep): void {
    const error = errorOf(reply, step);
    // Servers that limit the messages per connection say 421 too; over a new connection the same message may be accepted.
    const isAboutRate = new SmtpReply(reply.status, reply.text).speaksOfRate;
    if (isAboutRate || !this.#mayPass(one)) one.fail(error);
    this.#break(error);
  }

  /** Whether another session may send it: this one has worked before, and the message was neither begun nor refused. */
  #mayPass(one: MailTransaction): boolean {
    return this.#isTrusted && one.mayPass;
  }

  /** Ends the session from our side. The server is not at fault, so messages that were not begun may use another session. */
  #giveUp(): void {
    this.#isTrusted = true;
    this.#break(new Error('A message took too long.'));
  }

  #break(error: unknown): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#socket.destroy();
    const untouched: QueuedMessage[] = [];
    for (const one of this.#travelling) {
      if (one.isAnswered) continue;
      if (this.#mayPass(one)) untouched.push(one.queued);
      else one.fail(connectionError(error));
    }
    this.owner.onGone(untouched);
  }
}
