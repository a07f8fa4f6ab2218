import type { TcpProxy } from '../../support/network/tcp-proxy.js';
import type { ClusterNode, DatabaseCluster, Topology } from '../database-cluster.js';

/** A primary or a standby. */
export interface StandbyNode extends ClusterNode {
  /** Proxy for the replication of its standby; null: a direct connection. */
  readonly proxy: TcpProxy | null;
  /** False without an answer within a second. */
  takesWrites(): Promise<boolean>;
  startAsPrimary(): Promise<void>;
  /** Stops replication, and takes writes. */
  promote(): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * A primary and a standby. There is no election: this class acts as the manager of the pair.
 *
 * - It fences: a primary is killed before it is replaced, even if it only does not answer. Otherwise two servers would take writes.
 * - A former primary may have commits that its successor lacks, so it returns as a new copy.
 */
export abstract class StandbyCluster<Node extends StandbyNode> implements DatabaseCluster {
  abstract readonly topology: Topology;
  readonly isMultiWriter = false;
  readonly nodes: Node[] = [];
  protected primary: Node;
  /** The standby, by its own data; it may be down. */
  protected standby: Node | null = null;

  /** Resolves when it has caught up. @param isCopy: its data are an older state of the primary, so it needs no copy. */
  protected abstract join(node: Node, isCopy: boolean): Promise<void>;

  /** Whether it has all commits of the primary, as far as the topology guarantees that. */
  protected abstract isPromotable(standby: Node): boolean;

  async writer(): Promise<Node | null> {
    return (await this.primary.takesWrites()) ? this.primary : null;
  }

  async failOver(): Promise<void> {
    const { primary: former, standby } = this;
    if (!standby?.isRunning || !this.isPromotable(standby)) {
      throw new Error(
        `There is no standby of ${former.name} that runs and lacks nothing: let one rejoin() while the primary runs.`,
      );
    }
    await former.kill();
    await standby.promote();
    this.primary = standby;
    this.standby = null;
    // Held commits of the former primary are lost.
    former.proxy?.cut();
    former.proxy?.heal();
  }

  /** From now on no commit of the primary reaches the standby, and their connection stays open. */
  holdReplication(): void {
    this.link.split();
  }

  /** The held commits arrive. */
  releaseReplication(): void {
    this.link.heal();
  }

  async rejoin(node: Node): Promise<void> {
    if (node === this.primary) return node.startAsPrimary();
    const isCopy = node === this.standby;
    if (!isCopy && node.isRunning) {
      throw new Error(`${node.name} has a history of its own: end it before it rejoins.`);
    }
    await this.join(node, isCopy);
    this.standby = node;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.dispose()));
  }

  private get link(): TcpProxy {
    const { proxy } = this.primary;
    if (!proxy)
      throw new Error('Replication that commits wait for is not held back: use an asynchronous topology.');
    return proxy;
  }
}
