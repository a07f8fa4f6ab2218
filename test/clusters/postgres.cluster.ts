import { startPostgres } from '../support/postgres.server.js';
import { ServerSession } from '../support/server-session.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { waitUntil } from '../support/wait-until.js';
import type { ClusterNode, DatabaseCluster } from './database-cluster.js';
import { APPLICATION, type PostgresManager, PostgresNode } from './postgres.node.js';

const PROMOTION_DEADLINE_S = 30;
const CATCH_UP_DEADLINE_MS = 60_000;

/**
 * A PostgreSQL server that writes, and one that follows it. Nothing elects: this class does what a manager such as Patroni does.
 *
 * - It fences: a primary that is to be replaced is killed first, also one that only does not answer. Two would write otherwise.
 * - With synchronous commits, the primary waits for the standby that is there. A new primary is alone and waits for none, until the
 *   other one has caught up as its standby; so Patroni does it, unless its strict mode stops all writes instead. Between, a second
 *   failure would lose commits, and `failOver` refuses it.
 * - A standby that ends in order is no longer waited for. One that is killed stops the commits of the primary until it rejoins.
 * - A former primary may have commits that its successor lacks. It comes back as a new copy; pg_rewind would spare a large database
 *   that, and needs log hints.
 */
export class PostgresCluster implements DatabaseCluster, PostgresManager {
  readonly isMultiWriter = false;
  readonly nodes: PostgresNode[] = [];
  private primary: PostgresNode;
  /** The standby that commits of the primary wait for. */
  private awaited: PostgresNode | null = null;

  private constructor(readonly topology: 'postgres-synchronous' | 'postgres-asynchronous') {}

  static async create(topology: PostgresCluster['topology']): Promise<PostgresCluster> {
    const cluster = new PostgresCluster(topology);
    try {
      await cluster.start();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  async writer(): Promise<ClusterNode | null> {
    return (await this.primary.takesWrites()) ? this.primary : null;
  }

  async failOver(): Promise<void> {
    const former = this.primary;
    const standby = this.otherThan(former);
    const isStandby = standby.isRunning && standby.follows === former;
    if (!isStandby || (this.isSynchronous && this.awaited !== standby)) {
      throw new Error(
        `${standby.name} may lack commits of ${former.name}, or does not run: let it rejoin() while the primary runs.`,
      );
    }
    await former.kill();
    await this.setAwaited(null, standby);
    const [{ isPromoted }] = await standby.ask(
      `SELECT pg_promote(true, ${PROMOTION_DEADLINE_S}) AS "isPromoted"`,
    );
    if (isPromoted !== true)
      throw new Error(`${standby.name} was not promoted in ${PROMOTION_DEADLINE_S} s.`);
    standby.follows = null;
    this.primary = standby;
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

  async beforeShutDown(node: PostgresNode): Promise<void> {
    if (node === this.awaited && this.primary.isRunning) await this.setAwaited(null);
  }

  async rejoin(node: PostgresNode): Promise<void> {
    if (node === this.primary) return node.server.start();
    if (node.follows !== this.primary) {
      if (node.isRunning) throw new Error(`${node.name} has a history of its own: end it before it rejoins.`);
      await node.server.becomeStandbyOf(this.primary.sourceUrl);
      node.follows = this.primary;
    }
    await node.server.start();
    await this.takeAsStandby(node);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.dispose()));
  }

  private get isSynchronous(): boolean {
    return this.topology === 'postgres-synchronous';
  }

  private get link(): TcpProxy {
    const { proxy } = this.primary;
    if (!proxy)
      throw new Error(
        'Commits that wait for the standby are not held back: use the topology postgres-asynchronous.',
      );
    return proxy;
  }

  private async start(): Promise<void> {
    this.primary = await this.add();
    const maintenance = new ServerSession(this.primary.server.url);
    await maintenance.ask(`CREATE ROLE ${APPLICATION} LOGIN`);
    await maintenance.ask(`CREATE DATABASE ${APPLICATION} OWNER ${APPLICATION}`);
    maintenance.hangUp();
    const standby = await this.add(this.primary);
    await this.takeAsStandby(standby);
  }

  private async add(source?: PostgresNode): Promise<PostgresNode> {
    const name = `node${this.nodes.length + 1}`;
    const server = await startPostgres({
      standbyOf: source?.sourceUrl,
      settings: {
        // A standby gives it as its name.
        cluster_name: name,
        // For a standby that is away for a while.
        wal_keep_size: '1GB',
        wal_retrieve_retry_interval: '200ms',
      },
    });
    const proxy = this.isSynchronous ? null : await TcpProxy.start(server.url);
    const node = new PostgresNode(name, server, this, proxy);
    node.follows = source ?? null;
    this.nodes.push(node);
    return node;
  }

  private async takeAsStandby(node: PostgresNode): Promise<void> {
    const { primary } = this;
    const [{ position }] = await primary.ask('SELECT pg_current_wal_lsn() AS position');
    const is = async (condition: string): Promise<boolean> => {
      const [{ n }] = await primary.ask(
        `SELECT COUNT(*) AS n FROM pg_stat_replication WHERE application_name = '${node.name}' AND ${condition}`,
      );
      return Number(n) > 0;
    };
    await waitUntil(() => is(`state = 'streaming' AND replay_lsn >= '${String(position)}'`), {
      what: `${node.name} to follow ${primary.name}`,
      deadlineMs: CATCH_UP_DEADLINE_MS,
    });
    if (!this.isSynchronous) return;
    await this.setAwaited(node);
    await waitUntil(() => is("sync_state = 'sync'"), { what: `${primary.name} to wait for ${node.name}` });
  }

  private async setAwaited(standby: PostgresNode | null, primary = this.primary): Promise<void> {
    await primary.waitFor(standby);
    this.awaited = standby;
  }

  private otherThan(node: PostgresNode): PostgresNode {
    return this.nodes.find((other) => other !== node)!;
  }
}

export function startSynchronousPostgres(): Promise<PostgresCluster> {
  return PostgresCluster.create('postgres-synchronous');
}

/** The primary does not wait for its standby: what was not shipped yet is lost with it. */
export function startAsynchronousPostgres(): Promise<PostgresCluster> {
  return PostgresCluster.create('postgres-asynchronous');
}
