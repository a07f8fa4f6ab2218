import type { TcpProxy } from '../../support/network/tcp-proxy.js';
import type { ClusterNode, DatabaseCluster, Topology } from '../database-cluster.js';

/** A server that is the primary, or follows it. */
export interface StandbyNode extends ClusterNode {
  /** Before it, for its standby; null: that one comes directly. */
  readonly proxy: TcpProxy | null;
  /** False where it does not answer within a second. */
  takesWrites(): Promise<boolean>;
  startAsPrimary(): Promise<void>;
  /** Ends what it follows, and takes writes. */
  promote(): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * One server that writes, and one that follows it. Nothing elects: this class does what a manager of such a pair does.
 *
 * - It fences: a primary that is to be replaced is killed first, also one that only does not answer. Two would write otherwise.
 * - A former primary may have commits that its successor lacks. It comes back as a new copy.
 */
export abstract class StandbyCluster<Node extends StandbyNode> implements DatabaseCluster {
  abstract readonly topology: Topology;
  readonly isMultiWriter = false;
  readonly nodes: Node[] = [];
  protected primary: Node;
  /** What follows the primary, by its own data; it may be down. */
  protected standby: Node | null = null;

  /** Resolves when it has caught up. @param isCopy: its data are those of the primary already, from before it was down. */
  protected abstract join(node: Node, isCopy: boolean): Promise<void>;

  /** Whether it can have all that the primary committed, as far as the topology promises that. */
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
    // What was held back of the former one is lost.
    former.proxy?.cut();
    former.proxy?.heal();
  }

  /** From now on nothing of what the primary commits reaches the standby, and both believe that they are connected. */
  holdReplication(): void {
    this.link.split();
  }

  /** What was held back arrives. */
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
