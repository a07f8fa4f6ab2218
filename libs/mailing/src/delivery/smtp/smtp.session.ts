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

/** What a session tells its owner. */
export interface SessionOwner {
  /** There is room for another message. */
  onRoom: () => void;
  /** It takes nothing any more. Messages in `untouched` were not begun, and another session may take them. */
  onGone: (untouched: QueuedMessage[]) => void;
}

interface MessageInSession {
  queued: QueuedMessage;
  content: WireContent;
  reach: Reach;
  isEnvelopeOut: boolean;
  /** Its own recipient was taken. */
  isWelcome: boolean;
  /** Why its own recipient, or all of it, was refused. */
  refusal: unknown;
  /** Nobody waits for it any more, and its body must not follow. */
  isAbandoned: boolean;
  isAnswered: boolean;
}

interface Awaited {
  step: SmtpStep;
  of: MessageInSession;
  /** Of the recipients. */
  at: number;
}

/** Messages of one session at a time: one whose body is on its way, and one whose envelope goes ahead. */
const MAX_MESSAGES = 2;

/** What nodemailer grants. A message has a deadline of its own, mostly shorter. */
const SILENCE_MS = 600_000;

/**
 * The dialogue over one connection that is open and logged in.
 *
 * With PIPELINING (RFC 2920) a message costs one round trip: its envelope leaves in the same write as the body of the message
 * before it, so the server's go-ahead is here when that one has been answered.
 *
 *     client   MAIL RCPT DATA │ body 1 . MAIL RCPT DATA │ body 2 . MAIL …
 *     server                  │ 250 250 354             │ 250 250 250 354
 *
 * What that must never do: send a body that nobody has asked for. A body leaves when the recipient was taken *and* the
 * server has said 354. Some servers say 354 although no recipient is left; they get the final dot alone, which RFC 2920
 * asks for. With a copy to somebody else that would send an empty message, so a message with several recipients asks for
 * its 354 only when all of them are answered.
 *
 * Evidence of hand-over: `reach` becomes `body` before the first byte of a body is written, and never goes back. A
 * broken connection leaves in doubt whoever has got that far without an answer, at most one message; the one whose
 * envelope was ahead was not begun.
 */
export class SmtpSession {
  readonly #socket: Socket;
  readonly #features: SmtpFeatures;
  readonly #reader = new ReplyParser();
  readonly #travelling: MessageInSession[] = [];
  readonly #awaited: Awaited[] = [];
  readonly #outbox: SocketWriter;
  /** A message went through it, so the server is there; whoever was not begun may try another connection. */
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
    // Until it has something to do, it keeps no process alive.
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

  /** @throws what `contentFor` throws; it has not been taken then. */
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
    // Between the DATA of a message and its body nothing else may be said.
    if (!ahead || ahead.reach === 'body') this.#outbox.write(this.#envelopeOf(one));
  }

  /**
   * Its time is over: answers what is known of it. What others have under way here goes on where it can.
   *
   * @returns whether it is here.
   */
  abandon(queued: QueuedMessage): boolean {
    const one = this.#travelling.find((each) => each.queued === queued);
    if (!one) return false;
    this.#answer(one, classifyFailure({ code: 'EABORT' }, one.reach));
    one.isAbandoned = true;
    // One whose body is on its way blocks the session; the one behind it may yet be passed by.
    if (one === this.#travelling[0]) this.#giveUp();
    return true;
  }

  /** Says farewell without waiting for the answer. */
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
    // Unasked, a server says good-bye and nothing else.
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

  /** What opens its transaction; its answers are awaited from here on, so it has to be written at once. */
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
    // With one recipient the DATA is out already.
    if (this.#features.pipelining && (!isLast || to.length === 1)) return;
    if (one.refusal || one.isAbandoned) this.#refuse(one);
    else this.#send('DATA', 'DATA', one);
  }

  #afterData(one: MessageInSession, reply: Reply): void {
    // Out of step: whatever comes now may be taken for something else.
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

  /** The server waits for a body; if none may come, this ends the session. */
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
    // What was refused before its body may have left a sender behind, and the next one would be out of step.
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

  /** 421: the answer to this message, and the end of the session. */
  #onServiceClosing(one: MessageInSession, reply: Reply, step: SmtpStep): void {
    const error = errorOf(reply, step);
    // Servers that take only so many messages from one connection say it this way; over a new one the same message may pass.
    const isAboutRate = new SmtpReply(reply.status, reply.text).speaksOfRate;
    if (isAboutRate || !this.#mayPass(one))
      this.#answer(one, classifyFailure(one.refusal ?? error, one.reach));
    this.#break(error);
  }

  /** Whether another session may take it: nothing was said about it here, and this session had worked before. */
  #mayPass({ reach, refusal, queued }: MessageInSession): boolean {
    return this.#isTrusted && reach !== 'body' && !refusal && !queued.isSecondTry;
  }

  /** We end it ourselves, and the server is not to blame for the others. */
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
