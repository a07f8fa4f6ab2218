import { ServerSession } from '../support/server-session.js';
import { waitUntil } from '../support/wait-until.js';
import type { ClusterNode, DatabaseCluster, Topology } from './database-cluster.js';
import { type GroupOptions, GroupReplicationServer } from './group-replication.server.js';
import { groupView, type GroupView, VIEW_QUERY, writersAmong } from './group-replication.view.js';

const NUM_NODES = 3;
const APPLICATION = 'mailing';
const RECOVERY = 'recovery';
/** `writer()` promises a second, and has to come to its end within. */
const ANSWER_DEADLINE_MS = 900;
const REJOIN_DEADLINE_MS = 120_000;

class GroupReplicationNode implements ClusterNode {
  private readonly administrator: ServerSession;
  /** Beside the other: a statement of a drill may take long. */
  private readonly observer: ServerSession;

  constructor(
    readonly name: string,
    readonly server: GroupReplicationServer,
  ) {
    this.administrator = new ServerSession(`${server.url}/${APPLICATION}`);
    this.observer = new ServerSession(server.url);
  }

  get url(): string {
    return `mysql://${APPLICATION}@${this.server.address}/${APPLICATION}`;
  }

  get isRunning(): boolean {
    return this.server.pid !== undefined;
  }

  kill(): Promise<void> {
    return this.server.kill();
  }

  /** It takes leave of the group first: the others need not miss it. */
  shutDown(): Promise<void> {
    return this.server.kill('SIGTERM');
  }

  /** The server joins the group by itself when it starts, and is read-only until it has. */
  async rejoin(): Promise<void> {
    await this.server.start();
    try {
      await waitUntil(() => this.isOnline(), {
        what: `${this.name} to be a member of the group`,
        deadlineMs: REJOIN_DEADLINE_MS,
      });
    } catch (error) {
      throw new Error(`${String(error)} The end of its log:\n${await this.server.endOfLog()}`, {
        cause: error,
      });
    }
  }

  freeze(): void {
    this.server.freeze();
  }

  thaw(): void {
    this.server.thaw();
  }

  ask(sql: string): Promise<Record<string, unknown>[]> {
    return this.administrator.ask(sql);
  }

  /** Null where it does not answer soon. */
  async view(): Promise<GroupView | null> {
    const rows = this.isRunning ? await this.observer.askWithin(ANSWER_DEADLINE_MS, VIEW_QUERY) : null;
    return rows && groupView(rows);
  }

  async dispose(): Promise<void> {
    this.administrator.hangUp();
    this.observer.hangUp();
    // The data are removed; one that takes leave in order waits for the others.
    await this.server.kill();
    await this.server.stop();
  }

  private async isOnline(): Promise<boolean> {
    return (await this.view())?.state === 'ONLINE';
  }
}

/** MySQL group replication: every commit is certified by a majority, and the group elects its primary by itself. */
export class GroupReplicationCluster implements DatabaseCluster {
  readonly topology: Topology;
  readonly isMultiWriter: boolean;
  private last: ClusterNode | null = null;

  private constructor(
    readonly nodes: readonly GroupReplicationNode[],
    { isMultiPrimary = false }: GroupOptions,
  ) {
    this.isMultiWriter = isMultiPrimary;
    this.topology = isMultiPrimary ? 'group-replication-multi-primary' : 'group-replication';
  }

  static async create(options: GroupOptions): Promise<GroupReplicationCluster> {
    const starts = await Promise.allSettled(
      Array.from({ length: NUM_NODES }, async (_, n) => {
        const server = await GroupReplicationServer.create(n + 1, options);
        return new GroupReplicationNode(`node${n + 1}`, server);
      }),
    );
    const nodes = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    try {
      const failure = starts.find((start) => start.status === 'rejected');
      if (failure) throw failure.reason;
      await formGroup(nodes);
      return new GroupReplicationCluster(nodes, options);
    } catch (error) {
      await Promise.all(nodes.map((node) => node.dispose()));
      throw error;
    }
  }

  async writer(): Promise<ClusterNode | null> {
    const views = await Promise.all(this.nodes.map((node) => node.view()));
    const writers = writersAmong(views).map((index) => this.nodes[index]);
    // Where all write, the application stays where it is.
    const found = writers.find((node) => node === this.last) ?? writers.at(0) ?? null;
    this.last = found ?? this.last;
    return found;
  }

  /** The group elects. */
  failOver(): Promise<void> {
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.dispose()));
  }
}

async function formGroup(nodes: readonly GroupReplicationNode[]): Promise<void> {
  const seeds = nodes.map(({ server }) => server.address);
  for (const { server } of nodes) {
    await asRootAt(server, accountForMembers());
    await asRootAt(server, [`SET GLOBAL group_replication_group_seeds = '${seeds.join(',')}'`]);
    server.seeds = seeds;
  }
  await asRootAt(nodes[0].server, [
    'SET GLOBAL group_replication_bootstrap_group = ON',
    'START GROUP_REPLICATION',
    'SET GLOBAL group_replication_bootstrap_group = OFF',
    `CREATE DATABASE ${APPLICATION} CHARACTER SET utf8mb4`,
    `CREATE USER ${APPLICATION}@'127.0.0.1'`,
    `GRANT ALL ON ${APPLICATION}.* TO ${APPLICATION}@'127.0.0.1'`,
  ]);
  // One after the other: two that ask at the same time to be let in disturb each other.
  for (const node of nodes.slice(1)) {
    await asRootAt(node.server, ['START GROUP_REPLICATION']);
    await node.rejoin();
  }
}

/** A member has it before it is one, as whom it takes calls and data of the others; so it must not come by the binary log. */
function accountForMembers(): string[] {
  const account = `${RECOVERY}@'127.0.0.1'`;
  return [
    'SET SESSION sql_log_bin = OFF',
    `CREATE USER ${account}`,
    `GRANT REPLICATION SLAVE, CONNECTION_ADMIN, BACKUP_ADMIN, GROUP_REPLICATION_STREAM ON *.* TO ${account}`,
    `CHANGE REPLICATION SOURCE TO SOURCE_USER = '${RECOVERY}', SOURCE_PASSWORD = '' FOR CHANNEL 'group_replication_recovery'`,
  ];
}

/** In one session, which is in no database: there may be none yet. */
async function asRootAt({ url }: GroupReplicationServer, statements: readonly string[]): Promise<void> {
  const session = new ServerSession(url);
  try {
    for (const statement of statements) await session.ask(statement);
  } finally {
    session.hangUp();
  }
}

/** Three members. */
export function startGroupReplication(options: GroupOptions = {}): Promise<GroupReplicationCluster> {
  return GroupReplicationCluster.create(options);
}
