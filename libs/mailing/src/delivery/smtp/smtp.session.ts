import type { Socket } from 'node:net';
import { classifyFailure } from '../transport/classify-failure.js';
import type { HandOver } from '../transport/email-message.sender.js';
import type { QueuedMessage } from './queued-message.js';
import { type Reply, ReplyParser } from './reply.parser.js';
import { SmtpReply } from '../transport/smtp-reply.js';
import { asOfTransport, connectionError, errorOf, type SmtpStep } from './smtp.errors.js';
import type { OpenedConnection, SmtpFeatures } from './smtp.connector.js';
import { SocketWriter } from './socket.writer.js';
import { toWire } from '../mime/wire-text.js';
import type { WireContent } from '../mime/wire-content.js';
import type { Reach } from '../transport/reach.js';

/** Callbacks to the owner of a session. */
export interface SessionOwner {
  /** There is room for another message. */
  onRoom: () => void;
  /** The session is closed. Messages in `untouched` were not begun, and another session may send them. */
  onGone: (untouched: QueuedMessage[]) => void;
}

interface MessageInSession {
  queued: QueuedMessage;
  content: WireContent;
  reach: Reach;
  isEnvelopeOut: boolean;
  /** The server accepted its own recipient, the first of `to`. */
  isWelcome: boolean;
  /** Why the server refused its own recipient or the whole message. */
  refusal: unknown;
  /** Its time is over: it is answered, and its body must not be sent. */
  isAbandoned: boolean;
  isAnswered: boolean;
}

interface Awaited {
  step: SmtpStep;
  of: MessageInSession;
  /** Index in `to`, for `RCPT TO`. */
  at: number;
}

/** Messages in one session: one whose body is being sent, and one whose envelope goes ahead. */
const MAX_MESSAGES = 2;

/** nodemailer's default `socketTimeout`. A message has its own deadline, which is mostly shorter. */
const SILENCE_MS = 600_000;

/**
 * The dialogue over one connection that is open and logged in.
 *
 * With PIPELINING (RFC 2920) a message costs one round trip: its envelope leaves in the same write as the body of the message
 * before it, so the server's 354 for it arrives right behind the answer to that body.
 *
 *     client   MAIL RCPT DATA │ body 1 . MAIL RCPT DATA │ body 2 . MAIL …
 *     server                  │ 250 250 354             │ 250 250 250 354
 *
 * *Invariant: a body is sent only after the server has accepted the recipient and has said 354.* Some servers say 354 although no
 * recipient is left; they get the final dot alone, as RFC 2920 asks. With copies to other addresses that dot would send an empty
 * message, so a message with several recipients sends DATA only when all of them are answered.
 *
 * Evidence of hand-over: `reach` becomes `body` before the first byte of a body is written, and never goes back. A broken connection
 * leaves at most one message in doubt: the one whose body was begun and not answered. The one whose envelope was ahead was not begun.
 */
export class SmtpSession {
  readonly #socket: Socket;
  readonly #features: SmtpFeatures;
  readonly #reader = new ReplyParser();
  readonly #travelling: MessageInSession[] = [];
  readonly #awaited: Awaited[] = [];
  readonly #outbox: SocketWriter;
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
    this.#outbox = new SocketWriter(socket);
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
    const one: MessageInSession = {
      queued,
      content: queued.contentFor(this.#features),
      reach: 'session',
      isEnvelopeOut: false,
      isWelcome: false,
      refusal: null,
      isAbandoned: false,
      isAnswered: false,
    };
    const ahead = this.#travelling.at(-1);
    this.#travelling.push(one);
    this.#socket.ref();
    // Nothing may be sent between the DATA of a message and its body.
    if (!ahead || ahead.reach === 'body') this.#outbox.write(this.#envelopeOf(one));
  }

  /**
   * The time of a message is over: answers what is known of it. Other messages of this session go on if they can.
   *
   * @returns whether the message is in this session.
   */
  abandon(queued: QueuedMessage): boolean {
    const one = this.#travelling.find((each) => each.queued === queued);
    if (!one) return false;
    this.#answer(one, classifyFailure({ code: 'EABORT' }, one.reach));
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
      for (const reply of this.#reader.read(piece)) {
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
    switch (step) {
      case 'MAIL FROM':
        if (reply.status >= 300) of.refusal = errorOf(reply, step);
        return this.#afterMail(of);
      case 'RCPT TO':
        if (reply.status >= 300 && at === 0) of.refusal ??= errorOf(reply, step);
        if (reply.status < 300 && at === 0) of.isWelcome = true;
        return this.#afterRecipient(of, at);
      case 'DATA':
        return this.#afterData(of, reply);
      case 'BODY':
        return this.#afterBody(of, reply);
      case 'RSET':
        return this.#afterReset(of, reply);
    }
  }

  /** The commands that open its transaction. Their replies are awaited from here on, so the caller must write them at once. */
  #envelopeOf(one: MessageInSession): string {
    const { from, to, needsUtf8 } = one.queued;
    const { pipelining, eightBit } = this.#features;
    const words = `${one.content.is8Bit && eightBit ? ' BODY=8BITMIME' : ''}${needsUtf8 ? ' SMTPUTF8' : ''}`;
    one.isEnvelopeOut = true;
    let commands = '';
    if (this.#isTransactionOpen) {
      this.#isTransactionOpen = false;
      commands = 'RSET\r\n';
      this.#await('RSET', one);
      if (!pipelining) return commands;
    }
    commands += `MAIL FROM:<${from}>${words}\r\n`;
    this.#await('MAIL FROM', one);
    if (pipelining) {
      for (const [at, address] of to.entries()) {
        commands += `RCPT TO:<${address}>\r\n`;
        this.#await('RCPT TO', one, at);
      }
      if (to.length === 1) {
        commands += 'DATA\r\n';
        this.#await('DATA', one);
      }
    }
    return needsUtf8 ? toWire(commands) : commands;
  }

  #afterReset(one: MessageInSession, reply: Reply): void {
    if (reply.status >= 300) return this.#break(errorOf(reply, 'CONN'));
    if (!this.#features.pipelining) this.#outbox.write(this.#envelopeOf(one));
  }

  #afterMail(one: MessageInSession): void {
    if (this.#features.pipelining) return;
    if (one.refusal) return this.#refuse(one);
    this.#send(`RCPT TO:<${one.queued.to[0]}>`, 'RCPT TO', one);
  }

  #afterRecipient(one: MessageInSession, at: number): void {
    const { to } = one.queued;
    const isLast = at === to.length - 1;
    if (!this.#features.pipelining && !isLast && !one.refusal) {
      return this.#send(`RCPT TO:<${to[at + 1]}>`, 'RCPT TO', one, at + 1);
    }
    // With one recipient, DATA has been sent already.
    if (this.#features.pipelining && (!isLast || to.length === 1)) return;
    if (one.refusal || one.isAbandoned) this.#refuse(one);
    else this.#send('DATA', 'DATA', one);
  }

  #afterData(one: MessageInSession, reply: Reply): void {
    // The dialogue is out of step: a further reply might be matched to the wrong command.
    const isNonsense = reply.status < 354 || (reply.status === 354 && one.refusal && one.isWelcome);
    if (isNonsense) return this.#break(new Error(`The mail server said ${reply.status} to DATA.`));
    if (reply.status !== 354) {
      one.refusal ??= errorOf(reply, 'DATA');
      return this.#refuse(one);
    }
    if (one.isAbandoned) return this.#giveUp();
    if (one.refusal) {
      this.#outbox.write('.\r\n');
      this.#await('BODY', one);
      return;
    }
    let confirm = (): void => undefined;
    if (!this.#isAllowed(one, () => (confirm = one.queued.begin()))) return;
    this.#outbox.ask(() => this.#isAllowed(one, confirm));
    one.reach = 'body';
    this.#await('BODY', one);
    const next = this.#travelling[1];
    const goesAhead = next && !next.isEnvelopeOut && !next.isAbandoned;
    const envelope = goesAhead ? this.#envelopeOf(next) : '';
    this.#outbox.write(...one.content.pieces, envelope);
    this.owner.onRoom();
  }

  /** Whether the body may leave. If not, this ends the session, because the server waits for a body. */
  #isAllowed(one: MessageInSession, announce: () => void): boolean {
    try {
      announce();
      return true;
    } catch (error) {
      this.#answer(one, classifyFailure(asOfTransport(error), 'session'));
      this.#giveUp();
      return false;
    }
  }

  #afterBody(one: MessageInSession, reply: Reply): void {
    if (one.refusal) return this.#refuse(one);
    const isTaken = reply.status >= 200 && reply.status < 300;
    this.#answer(one, isTaken ? { kind: 'accepted' } : classifyFailure(errorOf(reply, 'DATA'), 'body'));
    this.#finish(one);
  }

  #refuse(one: MessageInSession): void {
    this.#answer(one, classifyFailure(one.refusal, 'session'));
    // A refused transaction may still be open at the server, so the next message sends RSET first.
    this.#isTransactionOpen = true;
    this.#finish(one);
  }

  #finish(one: MessageInSession): void {
    this.#travelling.splice(this.#travelling.indexOf(one), 1);
    const [next] = this.#travelling;
    if (next?.isAbandoned && !next.isEnvelopeOut) return this.#finish(next);
    if (next && !next.isEnvelopeOut) this.#outbox.write(this.#envelopeOf(next));
    if (!next) this.#socket.unref();
    this.owner.onRoom();
  }

  #send(command: string, step: SmtpStep, of: MessageInSession, at = 0): void {
    this.#await(step, of, at);
    this.#outbox.write(toWire(`${command}\r\n`));
  }

  #await(step: SmtpStep, of: MessageInSession, at = 0): void {
    this.#awaited.push({ step, of, at });
  }

  #answer(one: MessageInSession, handOver: HandOver): void {
    if (one.isAnswered) return;
    one.isAnswered = true;
    one.queued.answer(handOver);
  }

  /** A 421 answers this message and ends the session. */
  #onServiceClosing(one: MessageInSession, reply: Reply, step: SmtpStep): void {
    const error = errorOf(reply, step);
    // Servers that limit the messages per connection say 421 too; over a new connection the same message may be accepted.
    const isAboutRate = new SmtpReply(reply.status, reply.text).speaksOfRate;
    if (isAboutRate || !this.#mayPass(one))
      this.#answer(one, classifyFailure(one.refusal ?? error, one.reach));
    this.#break(error);
  }

  /** Whether another session may send it: this one has worked before, the server has neither refused it nor got a byte of its body. */
  #mayPass({ reach, refusal, queued }: MessageInSession): boolean {
    return this.#isTrusted && reach !== 'body' && !refusal && !queued.isSecondTry;
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
      else this.#answer(one, classifyFailure(one.refusal ?? connectionError(error), one.reach));
    }
    this.owner.onGone(untouched);
  }
}
