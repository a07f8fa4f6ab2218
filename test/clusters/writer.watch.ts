import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterNode, DatabaseCluster } from './database-cluster.js';
import { type WriteAnswer, WriteProbe } from './write.probe.js';

const LOOK_EVERY_MS = 200;

/** A listener for changes of the writer. */
export interface WriterFollower {
  follow(writer: ClusterNode | null): void;
}

/**
 * Looks for the writer several times a second, notifies proxies, and measures by writes of its own how long no client could write.
 */
export class WriterWatch implements AsyncDisposable {
  /** Null while there is none. */
  writer: ClusterNode | null = null;
  /** The longest time between two successful writes: to the writer, or to one of the nodes while all are used. */
  longestOutageMs = 0;
  readonly #followers: WriterFollower[] = [];
  readonly #probes = new Map<ClusterNode, WriteProbe>();
  readonly #loop: Promise<void>;
  #isClosed = false;
  /** Nodes that are written to besides the writer, with the time of the last write. */
  readonly #used = new Map<ClusterNode, number>();
  #lastWriteAt = performance.now();

  private constructor(private readonly cluster: DatabaseCluster) {
    for (const [row, node] of cluster.nodes.entries()) this.#probes.set(node, new WriteProbe(node, row));
    this.#loop = this.#watch();
  }

  /** Requires the table of the probes. */
  static start(cluster: DatabaseCluster): WriterWatch {
    return new WriterWatch(cluster);
  }

  tell(follower: WriterFollower): void {
    this.#followers.push(follower);
    follower.follow(this.writer);
  }

  /** Whether a write to a node succeeds within a second. */
  probe(node: ClusterNode): Promise<WriteAnswer> {
    return this.#probes.get(node)!.try();
  }

  /** Hosts write to all of these nodes from now on, and may wait for any of them. None: to the writer alone. */
  use(nodes: readonly ClusterNode[]): void {
    const now = performance.now();
    for (const lastAt of this.#used.values()) this.#noteOutage(now - lastAt);
    this.#used.clear();
    for (const node of nodes) this.#used.set(node, now);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#loop;
    for (const probe of this.#probes.values()) probe.close();
  }

  async #watch(): Promise<void> {
    while (!this.#isClosed) {
      this.writer = await this.cluster.writer().catch(() => null);
      for (const follower of this.#followers) follower.follow(this.writer);
      await Promise.all([
        this.#writeToWriter(),
        ...[...this.#used.keys()].map((node) => this.#writeTo(node)),
      ]);
      await delay(LOOK_EVERY_MS);
    }
    this.#noteOutage(performance.now() - this.#lastWriteAt);
  }

  async #writeToWriter(): Promise<void> {
    if (this.writer === null || (await this.probe(this.writer)) !== 'written') return;
    this.#noteOutage(performance.now() - this.#lastWriteAt);
    this.#lastWriteAt = performance.now();
  }

  async #writeTo(node: ClusterNode): Promise<void> {
    if ((await this.probe(node)) !== 'written') return;
    const lastAt = this.#used.get(node);
    if (lastAt === undefined) return;
    this.#noteOutage(performance.now() - lastAt);
    this.#used.set(node, performance.now());
  }

  #noteOutage(ms: number): void {
    this.longestOutageMs = Math.max(this.longestOutageMs, ms);
  }
}
