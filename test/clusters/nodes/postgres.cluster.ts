import { startPostgres } from '../../support/servers/postgres.server.js';
import { TcpProxy } from '../../support/network/tcp-proxy.js';
import { waitUntil } from '../../support/wait-until.js';
import { type PostgresManager, PostgresNode } from './postgres.node.js';
import { APPLICATION } from './server.node.js';
import { StandbyCluster } from './standby.cluster.js';
import { started } from '../database-cluster.js';

/**
 * PostgreSQL with a synchronous or asynchronous standby. If synchronous:
 *
 * - A new primary does not wait until the other node has caught up as its standby, as with Patroni, unless its strict
 *   mode stops all writes instead. Until then a second failure would lose commits, and `failOver` refuses it.
 * - The primary stops waiting for a standby that is shut down. A killed standby blocks its commits until it rejoins.
 */
export class PostgresCluster extends StandbyCluster<PostgresNode> implements PostgresManager {
  /** Name of the synchronous standby. */
  private awaited: PostgresNode | null = null;

  private constructor(readonly topology: 'postgres-synchronous' | 'postgres-asynchronous') {
    super();
  }

  static create(topology: PostgresCluster['topology']): Promise<PostgresCluster> {
    return started(new PostgresCluster(topology));
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

  /** Called by `create`. */
  async start(): Promise<void> {
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
        // The standby reports it as its name.
        cluster_name: name,
        // For a standby that is down for a while.
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

/** Asynchronous: commits that were not shipped yet are lost with the primary. */
export function startAsynchronousPostgres(): Promise<PostgresCluster> {
  return PostgresCluster.create('postgres-asynchronous');
}
