import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** The server's answer to a line of the client; null: none. Lines of a body are passed too, the final dot as `.`. */
export type SmtpScript = (line: string, connection: number) => string | null;

/**
 * A mail server whose answers a test writes byte by byte, also ones that no library would let a server send. It keeps every line.
 */
export class ScriptedSmtpServer implements AsyncDisposable {
  /** Of all connections, in order. */
  readonly lines: string[] = [];
  connections = 0;
  /** The largest number of lines, outside of bodies, that arrived in one chunk. */
  mostAtOnce = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #isOver = false;

  private constructor(
    private readonly script: SmtpScript,
    /** Writes a text to the client. */
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
    // It was accepted while the server was closing, and would never be answered.
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

/** Accepts everything, with PIPELINING; `other` may answer a line differently. */
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
