import type { PostgresServer } from '../../support/servers/postgres.server.js';
import type { TcpProxy } from '../../support/network/tcp-proxy.js';
import { waitUntil } from '../../support/wait-until.js';
import { ServerNode } from './server.node.js';
import type { StandbyNode } from './standby.cluster.js';

const CATCH_UP_DEADLINE_MS = 60_000;
const PROMOTION_DEADLINE_S = 30;

/** Hooks of the cluster at steps of a node. */
export interface PostgresManager {
  beforeShutDown(node: PostgresNode): Promise<void>;
  rejoin(node: PostgresNode): Promise<void>;
}

export class PostgresNode extends ServerNode<PostgresServer> implements StandbyNode {
  constructor(
    name: string,
    server: PostgresServer,
    private readonly manager: PostgresManager,
    readonly proxy: TcpProxy | null,
  ) {
    super(name, server);
  }

  /** Address that its standby replicates from. */
  get sourceUrl(): string {
    return this.proxy?.url ?? this.server.url;
  }

  override async shutDown(): Promise<void> {
    await this.manager.beforeShutDown(this);
    // This shutdown does not wait for clients, but for the standby to receive everything.
    await this.server.kill('SIGINT');
  }

  rejoin(): Promise<void> {
    return this.manager.rejoin(this);
  }

  async takesWrites(): Promise<boolean> {
    const rows = await this.observe('SELECT pg_is_in_recovery() AS "isStandby"');
    return rows?.[0].isStandby === false;
  }

  startAsPrimary(): Promise<void> {
    return this.server.start();
  }

  /** Resolves when it has caught up with the source. pg_rewind would avoid the copy of a large database, but needs log hints. */
  async follow(source: PostgresNode, isCopy: boolean): Promise<void> {
    if (!isCopy) await this.server.becomeStandbyOf(source.sourceUrl);
    await this.server.start();
    const [{ position }] = await source.ask('SELECT pg_current_wal_lsn() AS position');
    await waitUntil(() => source.hasStandby(this, `replay_lsn >= '${String(position)}'`), {
      what: `${this.name} to follow ${source.name}`,
      deadlineMs: CATCH_UP_DEADLINE_MS,
    });
  }

  /** It waits for no standby, because its settings come from the copy of a primary that did not wait yet. */
  async promote(): Promise<void> {
    const [{ isPromoted }] = await this.ask(
      `SELECT pg_promote(true, ${PROMOTION_DEADLINE_S}) AS "isPromoted"`,
    );
    if (isPromoted !== true) throw new Error(`${this.name} was not promoted in ${PROMOTION_DEADLINE_S} s.`);
  }

  /** The synchronous standby of its commits; null: none. */
  async setAwaited(standby: PostgresNode | null): Promise<void> {
    await this.ask(`ALTER SYSTEM SET synchronous_standby_names = '${standby?.name ?? ''}'`);
    await this.ask('SELECT pg_reload_conf()');
  }

  /** Whether a standby follows it that satisfies an SQL condition. */
  async hasStandby(standby: PostgresNode, condition: string): Promise<boolean> {
    const rows = await this.ask(
      `SELECT 1 FROM pg_stat_replication WHERE application_name = '${standby.name}' AND state = 'streaming' AND ${condition}`,
    );
    return rows.length > 0;
  }

  override async dispose(): Promise<void> {
    await super.dispose();
    await this.proxy?.close();
  }
}
