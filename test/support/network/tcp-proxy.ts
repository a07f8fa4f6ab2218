import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A proxy between a process and a server. It can stop forwarding without closing anything, which is how a network partition looks
 * from both ends.
 */
export class TcpProxy implements AsyncDisposable {
  private readonly sockets = new Set<Socket>();
  private isSplit = false;
  /** Called with all forwarded data. */
  tap: ((from: 'client' | 'server', chunk: Buffer) => void) | null = null;
  /** Changes what the server sends. */
  forge: ((chunk: Buffer) => Buffer) | null = null;
  /** Connections made so far. */
  numConnections = 0;

  private constructor(
    private readonly server: Server,
    private targets: readonly URL[],
  ) {}

  /** @param url of the server behind the proxy; must contain the port. */
  static async start(url: string): Promise<TcpProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new TcpProxy(server, [new URL(url)]);
    server.on('connection', (socket) => proxy.join(socket));
    return proxy;
  }

  /** Sockets of both sides that are open. */
  get numOpen(): number {
    return this.sockets.size;
  }

  /** The URL of the server by way of this proxy. */
  get url(): string {
    const url = new URL(this.targets[0]);
    url.host = `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return url.href;
  }

  /** From now on nothing is forwarded; connections stay open, and new ones are accepted. */
  split(): void {
    this.isSplit = true;
    for (const socket of this.sockets) socket.pause();
  }

  /** Forwards what was sent meanwhile. */
  heal(): void {
    this.isSplit = false;
    for (const socket of this.sockets) socket.resume();
  }

  /** Drops all data of existing connections, as a firewall does with idle ones. New connections work. */
  forget(): void {
    for (const socket of this.sockets) socket.pause();
  }

  /** New connections go to another server, existing ones stay, as when a name or an address moves after a failover. */
  leadTo(url: string): void {
    this.spread([url]);
  }

  /** Each new connection goes to the next of these, as with a load balancer. */
  spread(urls: readonly string[]): void {
    this.targets = urls.map((url) => new URL(url));
  }

  /** Closes the existing connections. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private join(client: Socket): void {
    const { port, hostname } = this.targets[this.numConnections++ % this.targets.length];
    const server = connect(Number(port), hostname);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      this.sockets.add(from);
      from.on('data', (chunk: Buffer) => {
        this.tap?.(from === client ? 'client' : 'server', chunk);
        to.write(from === server && this.forge ? this.forge(chunk) : chunk);
      });
      from.on('end', () => to.end());
      // Tests kill processes in the middle of a connection.
      from.on('error', () => to.destroy());
      from.on('close', () => this.sockets.delete(from));
      if (this.isSplit) from.pause();
    }
  }
}
