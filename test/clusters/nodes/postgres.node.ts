import type { PostgresServer } from '../../support/servers/postgres.server.js';
import type { TcpProxy } from '../../support/network/tcp-proxy.js';
import { waitUntil } from '../../support/wait-until.js';
import { ServerNode } from './server.node.js';
import type { StandbyNode } from './standby.cluster.js';

const CATCH_UP_DEADLINE_MS = 60_000;
const PROMOTION_DEADLINE_S = 30;

/** What the manager of the nodes does at steps of one. */
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

  /** Where its standby takes what it writes. */
  get sourceUrl(): string {
    return this.proxy?.url ?? this.server.url;
  }

  override async shutDown(): Promise<void> {
    await this.manager.beforeShutDown(this);
    // It does not wait for clients, and for the standby until that has everything.
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

  /** Resolves when it has what the source has. pg_rewind would spare a large database the copy, and needs log hints. */
  async follow(source: PostgresNode, isCopy: boolean): Promise<void> {
    if (!isCopy) await this.server.becomeStandbyOf(source.sourceUrl);
    await this.server.start();
    const [{ position }] = await source.ask('SELECT pg_current_wal_lsn() AS position');
    await waitUntil(() => source.hasStandby(this, `replay_lsn >= '${String(position)}'`), {
      what: `${this.name} to follow ${source.name}`,
      deadlineMs: CATCH_UP_DEADLINE_MS,
    });
  }

  /** It waits for no standby: its settings came with the copy, for which a primary waits only afterwards. */
  async promote(): Promise<void> {
    const [{ isPromoted }] = await this.ask(
      `SELECT pg_promote(true, ${PROMOTION_DEADLINE_S}) AS "isPromoted"`,
    );
    if (isPromoted !== true) throw new Error(`${this.name} was not promoted in ${PROMOTION_DEADLINE_S} s.`);
  }

  /** The standby that its commits wait for; null: none. */
  async setAwaited(standby: PostgresNode | null): Promise<void> {
    await this.ask(`ALTER SYSTEM SET synchronous_standby_names = '${standby?.name ?? ''}'`);
    await this.ask('SELECT pg_reload_conf()');
  }

  /** Whether one follows it for which an SQL condition holds. */
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
