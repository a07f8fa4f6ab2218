import { startPostgres } from '../../support/servers/postgres.server.js';
import { TcpProxy } from '../../support/network/tcp-proxy.js';
import { waitUntil } from '../../support/wait-until.js';
import { type PostgresManager, PostgresNode } from './postgres.node.js';
import { APPLICATION } from './server.node.js';
import { StandbyCluster } from './standby.cluster.js';

/**
 * PostgreSQL and a standby, which commits of the primary wait for or not. Where they wait:
 *
 * - A new primary is alone and waits for none, until the other node has caught up as its standby. Patroni does it so, unless its strict
 *   mode stops all writes instead. Between, a second failure would lose commits, and `failOver` refuses it.
 * - A standby that ends in order is no longer waited for. One that is killed stops the commits of the primary until it rejoins.
 */
export class PostgresCluster extends StandbyCluster<PostgresNode> implements PostgresManager {
  /** The standby that commits of the primary wait for. */
  private awaited: PostgresNode | null = null;

  private constructor(readonly topology: 'postgres-synchronous' | 'postgres-asynchronous') {
    super();
  }

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

  override async failOver(): Promise<void> {
    await super.failOver();
    this.awaited = null;
  }

  async beforeShutDown(node: PostgresNode): Promise<void> {
    if (node !== this.awaited || !this.primary.isRunning) return;
    await this.primary.setAwaited(null);
    this.awaited = null;
  }

  protected isPromotable(standby: PostgresNode): boolean {
    return !this.isSynchronous || standby === this.awaited;
  }

  protected async join(node: PostgresNode, isCopy: boolean): Promise<void> {
    await node.follow(this.primary, isCopy);
    if (!this.isSynchronous) return;
    await this.primary.setAwaited(node);
    this.awaited = node;
    await waitUntil(() => this.primary.hasStandby(node, "sync_state = 'sync'"), {
      what: `${this.primary.name} to wait for ${node.name}`,
    });
  }

  private get isSynchronous(): boolean {
    return this.topology === 'postgres-synchronous';
  }

  private async start(): Promise<void> {
    this.primary = await this.add();
    await this.primary.askInOrder([
      `CREATE ROLE ${APPLICATION} LOGIN`,
      `CREATE DATABASE ${APPLICATION} OWNER ${APPLICATION}`,
    ]);
    this.standby = await this.add(this.primary);
    await this.join(this.standby, true);
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
    this.nodes.push(node);
    return node;
  }
}

export function startSynchronousPostgres(): Promise<PostgresCluster> {
  return PostgresCluster.create('postgres-synchronous');
}

/** The primary does not wait for its standby: what was not shipped yet is lost with it. */
export function startAsynchronousPostgres(): Promise<PostgresCluster> {
  return PostgresCluster.create('postgres-asynchronous');
}
