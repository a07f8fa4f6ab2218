import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** What the server says to a line of a client; null: nothing. Lines of a body come too, the final dot as `.`. */
export type SmtpScript = (line: string, connection: number) => string | null;

/**
 * A mail server that says what a test tells it to, byte by byte: what no library would let a server do. It keeps every line.
 */
export class ScriptedSmtpServer implements AsyncDisposable {
  /** Of all connections, in order. */
  readonly lines: string[] = [];
  connections = 0;
  /** The most lines, outside of bodies, that arrived in one piece. */
  mostAtOnce = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #isOver = false;

  private constructor(
    private readonly script: SmtpScript,
    /** How a text is given to the client. */
    private readonly utter: (socket: Socket, text: string) => void,
  ) {
    this.#server = createServer((socket) => this.#talk(socket));
  }

  static async start(
    script: SmtpScript,
    utter: (socket: Socket, text: string) => void = (socket, text) => socket.write(text),
  ): Promise<ScriptedSmtpServer> {
    const server = new ScriptedSmtpServer(script, utter);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #talk(socket: Socket): void {
    // It was accepted while the server was being closed, and nobody would answer it.
    if (this.#isOver) return void socket.destroy();
    const connection = ++this.connections;
    this.#sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket));
    const answer = (line: string): void => {
      const text = this.script(line, connection);
      if (text !== null) this.utter(socket, text);
    };
    answer('CONNECT');
    let rest = '';
    socket.setEncoding('latin1').on('data', (piece: string) => {
      const lines = (rest + piece).split('\r\n');
      rest = lines.pop() ?? '';
      if (/^(EHLO|MAIL|RCPT|DATA|RSET)/.test(piece))
        this.mostAtOnce = Math.max(this.mostAtOnce, lines.length);
      for (const line of lines) {
        this.lines.push(line);
        answer(line);
      }
    });
  }
}

/** Takes everything, with PIPELINING; `other` may say something else to a line. */
export function takesAll(
  other: (line: string, connection: number) => string | null | undefined = () => undefined,
): SmtpScript {
  const inBody = new Set<number>();
  return (line, connection) => {
    const own = other(line, connection);
    if (own !== undefined) {
      if (own?.startsWith('354')) inBody.add(connection);
      return own;
    }
    if (inBody.has(connection)) {
      if (line !== '.') return null;
      inBody.delete(connection);
      return '250 taken\r\n';
    }
    if (line === 'CONNECT') return '220 hello\r\n';
    if (line.startsWith('EHLO')) return '250-hello\r\n250-PIPELINING\r\n250 8BITMIME\r\n';
    if (line === 'QUIT') return '221 bye\r\n';
    if (line !== 'DATA') return '250 fine\r\n';
    inBody.add(connection);
    return '354 go on\r\n';
  };
}
