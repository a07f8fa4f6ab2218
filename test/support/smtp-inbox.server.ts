import type { Socket } from 'node:net';
import { domainToASCII } from 'node:url';
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server';
import type { Envelope } from './received-message.js';
import type { SmtpAnswer, SmtpCommand } from './smtp-step.js';

/** What the inbox does with the dialogue. */
export interface SmtpDialogue {
  opened(connection: number): void;
  closed(connection: number): void;
  /** Called before the server answers. */
  answer(command: Exclude<SmtpCommand, 'END'>, connection: number, envelope: Envelope): Promise<SmtpAnswer>;
  /** Called when the final dot has arrived, and only then. */
  received(raw: Buffer, connection: number, envelope: Envelope): Promise<SmtpAnswer>;
}

type Reply = (error?: Error | null, text?: string) => void;

/** `smtp-server` with an answer of ours at every step, and with connections that can be cut. */
export class SmtpInboxServer extends SMTPServer {
  private readonly sockets = new Map<string, { number: number; socket: Socket }>();
  private readonly closingInBody = new Set<string>();
  private connectionCount = 0;

  constructor(
    private readonly dialogue: SmtpDialogue,
    options: SMTPServerOptions = {},
  ) {
    super({
      disabledCommands: ['AUTH', 'STARTTLS'],
      disableReverseLookup: true,
      // An answer that is held back is the test's doing; the server itself never loses patience.
      socketTimeout: 3_600_000,
      ...options,
    });
    // A client that was killed in the middle is what these tests are about.
    this.on('error', () => {});
  }

  override connect(socket: Socket): void {
    super.connect(socket);
    const connection = [...this.connections].at(-1)!;
    const number = ++this.connectionCount;
    this.sockets.set(connection.id, { number, socket });
    this.dialogue.opened(number);
    socket.once('close', () => {
      this.sockets.delete(connection.id);
      this.closingInBody.delete(connection.id);
      this.dialogue.closed(number);
    });

    // The library offers no hook between the DATA command and the invitation to send.
    const acceptData = connection.handler_DATA.bind(connection);
    connection.handler_DATA = (command, done) => {
      const { session } = connection;
      if (session.envelope.rcptTo.length === 0) return acceptData(command, done);
      void this.step('DATA', session, (error) => {
        if (!error) return acceptData(command, done);
        connection.send(codeOf(error), error.message);
        done();
      });
    };
  }

  override onConnect(session: SMTPServerSession, reply: Reply): void {
    void this.step('CONNECT', session, reply);
  }

  override onMailFrom(address: { address: string }, session: SMTPServerSession, reply: Reply): void {
    void this.step('MAIL', session, reply, { from: toAscii(address.address), to: [] });
  }

  override onRcptTo(address: { address: string }, session: SMTPServerSession, reply: Reply): void {
    const envelope = envelopeOf(session);
    const to = [...envelope.to, toAscii(address.address)];
    void this.step('RCPT', session, reply, { ...envelope, to });
  }

  override onData(stream: NodeJS.ReadableStream, session: SMTPServerSession, reply: Reply): void {
    const envelope = envelopeOf(session);
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => {
      if (this.closingInBody.has(session.id)) this.hangUp(session);
      else chunks.push(chunk);
    });
    // The connection was lost before the final dot: nothing was received.
    stream.on('error', () => {});
    stream.on('end', () => {
      if (this.closingInBody.has(session.id)) return this.hangUp(session);
      const number = this.sockets.get(session.id)?.number ?? 0;
      void this.dialogue
        .received(Buffer.concat(chunks), number, envelope)
        .then((answer) => this.give(answer, session, reply));
    });
  }

  /** Cuts every connection and stops listening. */
  async stop(): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.close(resolve));
    for (const { socket } of this.sockets.values()) socket.destroy();
    await stopped;
  }

  private async step(
    command: Exclude<SmtpCommand, 'END'>,
    session: SMTPServerSession,
    reply: Reply,
    envelope = envelopeOf(session),
  ): Promise<void> {
    const number = this.sockets.get(session.id)?.number ?? 0;
    this.give(await this.dialogue.answer(command, number, envelope), session, reply);
  }

  private give(answer: SmtpAnswer, session: SMTPServerSession, reply: Reply): void {
    if (answer === 'hang') return;
    if (answer === 'close') return this.hangUp(session);
    if (answer === 'close-in-body') {
      this.closingInBody.add(session.id);
      return reply();
    }
    if (!answer) return reply();
    if (answer.code < 400) return reply(null, answer.text);
    reply(Object.assign(new Error(answer.text ?? 'Refused by the test'), { responseCode: answer.code }));
  }

  private hangUp(session: SMTPServerSession): void {
    this.sockets.get(session.id)?.socket.destroy();
  }
}

function envelopeOf({ envelope }: SMTPServerSession): Envelope {
  return {
    from: envelope?.mailFrom ? toAscii(envelope.mailFrom.address) : '',
    to: envelope?.rcptTo.map(({ address }) => toAscii(address)) ?? [],
  };
}

/** The library turns domains into Unicode; on the wire, and in what tests compare, they are ASCII. */
function toAscii(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  const domain = address.slice(at);
  return address.slice(0, at) + (domainToASCII(domain) || domain);
}

function codeOf(error: Error): number {
  return (error as Error & { responseCode?: number }).responseCode ?? 451;
}
