import { waitUntil } from '../../support/wait-until.js';
import type { ClusterNode, DatabaseCluster, Topology } from '../database-cluster.js';
import { type GroupOptions, GroupReplicationServer } from './group-replication.server.js';
import {
  groupView,
  type GroupView,
  type GroupViews,
  membersAmong,
  VIEW_QUERY,
  writersAmong,
} from './group-replication.view.js';
import { MAKE_APPLICATION, ServerNode } from './server.node.js';

const NUM_NODES = 3;
const RECOVERY = 'recovery';
const REJOIN_DEADLINE_MS = 120_000;
/** Within it a group with a majority puts out a member that is gone. */
const EXPEL_DEADLINE_MS = 30_000;

/** It takes leave of the group before it ends in order: the others need not miss it. */
class GroupReplicationNode extends ServerNode<GroupReplicationServer> {
  constructor(
    name: string,
    server: GroupReplicationServer,
    private readonly returnOf: (node: GroupReplicationNode) => Promise<void>,
  ) {
    super(name, server);
  }

  rejoin(): Promise<void> {
    return this.returnOf(this);
  }

  /** Null where it does not answer soon. */
  async view(): Promise<GroupView | null> {
    const rows = await this.observe(VIEW_QUERY);
    return rows && groupView(rows);
  }
}

/** MySQL group replication: every commit is certified by a majority, and the group elects its primary by itself. */
export class GroupReplicationCluster implements DatabaseCluster {
  readonly topology: Topology;
  readonly isMultiWriter: boolean;
  readonly nodes: GroupReplicationNode[] = [];
  private last: ClusterNode | null = null;

  private constructor(private readonly options: GroupOptions) {
    this.isMultiWriter = options.isMultiPrimary ?? false;
    this.topology = this.isMultiWriter ? 'group-replication-multi-primary' : 'group-replication';
  }

  static async create(options: GroupOptions): Promise<GroupReplicationCluster> {
    const cluster = new GroupReplicationCluster(options);
    try {
      await cluster.start();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  async writer(): Promise<ClusterNode | null> {
    const writers = writersAmong(await this.views());
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

  private async start(): Promise<void> {
    const starts = await Promise.allSettled(
      Array.from({ length: NUM_NODES }, (_, n) => GroupReplicationServer.create(n + 1, this.options)),
    );
    for (const start of starts) {
      if (start.status === 'fulfilled') this.add(start.value);
    }
    const failure = starts.find((start) => start.status === 'rejected');
    if (failure) throw failure.reason;
    await this.formGroup();
  }

  private add(server: GroupReplicationServer): void {
    const name = `node${this.nodes.length + 1}`;
    this.nodes.push(new GroupReplicationNode(name, server, (node) => this.rejoin(node)));
  }

  private async formGroup(): Promise<void> {
    const [first, ...others] = this.nodes;
    const seeds = this.nodes.map(({ server }) => server.address);
    for (const node of this.nodes) {
      await node.askInOrder(accountForMembers());
      await node.askInOrder([`SET GLOBAL group_replication_group_seeds = '${seeds.join(',')}'`]);
      node.server.seeds = seeds;
    }
    await first.askInOrder([
      'SET GLOBAL group_replication_bootstrap_group = ON',
      'START GROUP_REPLICATION',
      'SET GLOBAL group_replication_bootstrap_group = OFF',
      ...MAKE_APPLICATION,
    ]);
    // One after the other: two that ask at the same time to be let in disturb each other.
    for (const node of others) {
      await node.askInOrder(['START GROUP_REPLICATION']);
      await this.rejoin(node);
    }
  }

  private async rejoin(node: GroupReplicationNode): Promise<void> {
    // One that comes back while the group still misses it is not let in; it tries for a minute, and gives up for good.
    if (!node.isRunning) {
      await waitUntil(async () => !hasMember(await this.views(), node), {
        what: `the group to put out ${node.name}`,
        deadlineMs: EXPEL_DEADLINE_MS,
      });
    }
    // It joins by itself, and is read-only until it has.
    await node.server.start();
    try {
      await waitUntil(async () => membersAmong(await this.views()).includes(node), {
        what: `${node.name} to be a member of the group`,
        deadlineMs: REJOIN_DEADLINE_MS,
      });
    } catch (error) {
      const log = await node.server.endOfLog();
      throw new Error(`${(error as Error).message} The end of its log:\n${log}`, { cause: error });
    }
  }

  private async views(): Promise<GroupViews<GroupReplicationNode>> {
    return new Map(
      await Promise.all(
        this.nodes.map(async (node): Promise<[GroupReplicationNode, GroupView | null]> => [
          node,
          await node.view(),
        ]),
      ),
    );
  }
}

/** Whether any of the others still takes it for one. */
function hasMember(views: GroupViews<GroupReplicationNode>, node: GroupReplicationNode): boolean {
  const port = Number(new URL(node.url).port);
  return [...views].some(([other, view]) => other !== node && view?.ports.includes(port));
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

/** Three members. */
export function startGroupReplication(options: GroupOptions = {}): Promise<GroupReplicationCluster> {
  return GroupReplicationCluster.create(options);
}
