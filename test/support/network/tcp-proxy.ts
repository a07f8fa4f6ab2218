import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Stands between a process and a server, and can stop forwarding without closing anything: that is how a network that is
 * split looks from both ends.
 */
export class TcpProxy implements AsyncDisposable {
  private readonly sockets = new Set<Socket>();
  private isSplit = false;
  /** Told everything that gets through. */
  tap: ((from: 'client' | 'server', chunk: Buffer) => void) | null = null;
  /** Turns what the server says into something else. */
  forge: ((chunk: Buffer) => Buffer) | null = null;
  /** How many were made so far. */
  numConnections = 0;

  private constructor(
    private readonly server: Server,
    private targets: readonly URL[],
  ) {}

  /** @param url of the server that is stood before; its port has to be in it. */
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

  /** From now on nothing gets through; connections stay open, and new ones are made. */
  split(): void {
    this.isSplit = true;
    for (const socket of this.sockets) socket.pause();
  }

  /** What was sent meanwhile arrives now. */
  heal(): void {
    this.isSplit = false;
    for (const socket of this.sockets) socket.resume();
  }

  /** As a firewall does with connections that were idle: nothing gets through on those that are there. New ones work. */
  forget(): void {
    for (const socket of this.sockets) socket.pause();
  }

  /** As a name or an address that moves after a failover: connections that are made from now on lead there, the others stay. */
  leadTo(url: string): void {
    this.spread([url]);
  }

  /** As a load balancer: each connection that is made from now on leads to the next of these. */
  spread(urls: readonly string[]): void {
    this.targets = urls.map((url) => new URL(url));
  }

  /** Ends the connections that are there. */
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
      // A process that was killed is what these tests are about.
      from.on('error', () => to.destroy());
      from.on('close', () => this.sockets.delete(from));
      if (this.isSplit) from.pause();
    }
  }
}
