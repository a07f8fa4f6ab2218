import { TcpProxy } from '../support/network/tcp-proxy.js';
import type { ClusterNode } from './database-cluster.js';
import type { WriterFollower, WriterWatch } from './writer.watch.js';

/** A port without a server: connections are refused while there is no writer, as by a cluster's proxy. */
const NOWHERE = 'mariadb://127.0.0.1:1/';

/** A node that is only slow, because it has much to apply, is kept so long. */
const MAX_SILENCE_MS = 5_000;

/**
 * The proxy of one host to the database. It connects to the writer, or to a node of the host's own while that takes writes, and
 * cuts connections to any other node.
 */
export class WriterProxy implements WriterFollower, AsyncDisposable {
  #target: ClusterNode | null = null;
  #own: ClusterNode | null = null;
  /** Time of the last write of the node of its own, or of its choice. */
  #ownWroteAt = 0;
  #isLooking = false;
  #isSpread = false;

  private constructor(
    private readonly proxy: TcpProxy,
    private readonly watch: WriterWatch,
  ) {}

  static async start(watch: WriterWatch, first: ClusterNode): Promise<WriterProxy> {
    const proxy = new WriterProxy(await TcpProxy.start(first.url), watch);
    proxy.#target = first;
    watch.tell(proxy);
    return proxy;
  }

  /** URL of the application's database by way of the proxy. */
  urlLike(node: ClusterNode): string {
    const url = new URL(node.url);
    url.port = new URL(this.proxy.url).port;
    return url.href;
  }

  follow(writer: ClusterNode | null): void {
    if (this.#isSpread) return;
    if (this.#own === null) this.#leadTo(writer);
    else void this.#look(this.#own, writer);
  }

  /** Connects to this node from now on, if all nodes take writes; null: to the writer again. */
  prefer(node: ClusterNode | null): void {
    this.#isSpread = false;
    this.#own = node;
    this.#ownWroteAt = performance.now();
    if (node !== null) this.#leadTo(node);
    this.follow(this.watch.writer);
  }

  /** Connects to these running nodes in turn, until `prefer` is called. */
  spread(nodes: readonly ClusterNode[]): void {
    this.#isSpread = true;
    this.#target = null;
    this.proxy.spread(nodes.map(({ url }) => url));
    this.proxy.cut();
  }

  /** A network partition between host and database: nothing is forwarded any more, and nothing is closed. */
  split(): void {
    this.proxy.split();
  }

  heal(): void {
    this.proxy.heal();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.proxy.close();
  }

  async #look(own: ClusterNode, writer: ClusterNode | null): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const answer = await this.watch.probe(own);
    this.#isLooking = false;
    if (this.#own !== own) return;
    if (answer === 'written') this.#ownWroteAt = performance.now();
    const isLate = performance.now() - this.#ownWroteAt > MAX_SILENCE_MS;
    this.#leadTo(answer === 'refused' || isLate ? writer : own);
  }

  #leadTo(node: ClusterNode | null): void {
    if (node === this.#target) return;
    this.#target = node;
    this.proxy.leadTo(node?.url ?? NOWHERE);
    this.proxy.cut();
  }
}
