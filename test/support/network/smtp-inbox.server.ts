import type { Socket } from 'node:net';
import { domainToASCII } from 'node:url';
import {
  SMTPServer,
  type SMTPServerAuthentication,
  type SMTPServerOptions,
  type SMTPServerSession,
} from 'smtp-server';
import type { Envelope } from './received-message.js';
import type { SmtpAnswer, SmtpCommand } from './smtp-step.js';

/** The inbox's part in the dialogue. */
export interface SmtpDialogue {
  opened(connection: number): void;
  closed(connection: number): void;
  /** Called before the server answers. */
  answer(command: Exclude<SmtpCommand, 'END'>, connection: number, envelope: Envelope): Promise<SmtpAnswer>;
  /** Called when the final dot has arrived, and only then. */
  received(raw: Buffer, connection: number, envelope: Envelope): Promise<SmtpAnswer>;
}

type Reply = (error?: Error | null, text?: string) => void;
type LoginReply = Parameters<SMTPServer['onAuth']>[2];
type Connection = SMTPServer['connections'] extends Set<infer One> ? One : never;

/** The library has no hook for these; the last is the command, before its 354. */
const COMMANDS_WITHOUT_HOOK = ['EHLO', 'HELO', 'STARTTLS', 'AUTH', 'DATA'] as const;

/** `smtp-server` with the test's answer at every step, and with connections that can be cut. */
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
      // Without it the library warns about its built-in certificate, which is good enough for tests.
      logger: false,
      // Only the test holds answers back, so the server itself must not time out.
      socketTimeout: 3_600_000,
      ...options,
    });
    // Tests kill clients in the middle of a connection.
    this.on('error', () => {});
  }

  override connect(socket: Socket): void {
    super.connect(socket);
    const connection = [...this.connections].at(-1)!;
    const number = ++this.connectionCount;
    this.sockets.set(connection.id, { number, socket });
    this.dialogue.opened(number);
    socket.once('close', () => this.forget(connection.id));
    for (const command of COMMANDS_WITHOUT_HOOK) this.askBefore(command, connection);
    this.greetAtOnce(connection);
  }

  /** With STARTTLS the library removes this listener from the socket. */
  override onClose(session: SMTPServerSession): void {
    this.forget(session.id);
  }

  override onConnect(session: SMTPServerSession, reply: Reply): void {
    void this.step('CONNECT', session, reply);
  }

  /** Accepts every login; a test refuses one at the step `AUTH`. */
  override onAuth(auth: SMTPServerAuthentication, _session: SMTPServerSession, reply: LoginReply): void {
    reply(null, { user: auth.username });
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

  /**
   * The library lets each connection wait for 100 ms, to find clients that talk before its greeting. Most tests open one or two, so
   * that was half the time of a test.
   */
  private greetAtOnce(connection: Connection): void {
    const { maxClients, secure } = this.options;
    // One too many is refused without a greeting, and with TLS the handshake comes first.
    if (secure || (maxClients && this.connections.size > maxClients)) return;
    const greet = connection.connectionReady.bind(connection);
    connection.connectionReady = () => undefined;
    setImmediate(greet);
  }

  private forget(id: string): void {
    const number = this.sockets.get(id)?.number;
    if (number === undefined) return;
    this.sockets.delete(id);
    this.closingInBody.delete(id);
    this.dialogue.closed(number);
  }

  private askBefore(command: (typeof COMMANDS_WITHOUT_HOOK)[number], connection: Connection): void {
    const accept = connection[`handler_${command}`].bind(connection);
    connection[`handler_${command}`] = (line, done) => {
      const { session } = connection;
      if (command === 'DATA' && session.envelope.rcptTo.length === 0) return accept(line, done);
      void this.step(command, session, (error) => {
        if (!error) return accept(line, done);
        connection.send(codeOf(error), error.message);
        done();
      });
    };
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
    if (answer === 'break-tls') return this.breakTls(session);
    if (!answer) return reply();
    if (answer.cut) return this.socketOf(session)?.end(`${answer.code} ${answer.text}`) as undefined;
    if (answer.code < 400) return reply(null, answer.text);
    reply(Object.assign(new Error(answer.text ?? 'Refused by the test'), { responseCode: answer.code }));
  }

  private hangUp(session: SMTPServerSession): void {
    this.socketOf(session)?.destroy();
  }

  /** Not before the client has begun its handshake: bytes that come earlier belong to the answer, and are discarded. */
  private breakTls(session: SMTPServerSession): void {
    const socket = this.socketOf(session);
    socket?.once('data', () => socket.end('This is no TLS\r\n'));
    socket?.write('220 Go ahead\r\n');
  }

  private socketOf(session: SMTPServerSession): Socket | undefined {
    return this.sockets.get(session.id)?.socket;
  }
}

function envelopeOf({ envelope }: SMTPServerSession): Envelope {
  return {
    from: envelope?.mailFrom ? toAscii(envelope.mailFrom.address) : '',
    to: envelope?.rcptTo.map(({ address }) => toAscii(address)) ?? [],
  };
}

/** The library decodes domains to Unicode; on the wire and in the tests they are ASCII. */
function toAscii(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  const domain = address.slice(at);
  return address.slice(0, at) + (domainToASCII(domain) || domain);
}

function codeOf(error: Error): number {
  return (error as Error & { responseCode?: number }).responseCode ?? 451;
}
