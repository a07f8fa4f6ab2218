import { waitUntil } from '../../support/wait-until.js';
import { type ClusterNode, type DatabaseCluster, type Topology, started } from '../database-cluster.js';
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
/** Within this time a group with a majority expels a lost member. */
const EXPEL_DEADLINE_MS = 30_000;

/** It leaves the group before its shutdown, so that the others need not detect it. */
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

  /** Null without an answer in time. */
  async view(): Promise<GroupView | null> {
    const rows = await this.observe(VIEW_QUERY);
    return rows && groupView(rows);
  }
}

/** MySQL group replication: a majority certifies every commit, and the group elects its primary by itself. */
export class GroupReplicationCluster implements DatabaseCluster {
  readonly topology: Topology;
  readonly isMultiWriter: boolean;
  readonly nodes: GroupReplicationNode[] = [];
  private last: ClusterNode | null = null;

  private constructor(private readonly options: GroupOptions) {
    this.isMultiWriter = options.isMultiPrimary ?? false;
    this.topology = this.isMultiWriter ? 'group-replication-multi-primary' : 'group-replication';
  }

  static create(options: GroupOptions): Promise<GroupReplicationCluster> {
    return started(new GroupReplicationCluster(options));
  }

  async writer(): Promise<ClusterNode | null> {
    const writers = writersAmong(await this.views());
    // With several primaries the application keeps its node.
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

  /** Called by `create`. */
  async start(): Promise<void> {
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
    // One after the other, because two concurrent joins disturb each other.
    for (const node of others) {
      await node.askInOrder(['START GROUP_REPLICATION']);
      await this.rejoin(node);
    }
  }

  private async rejoin(node: GroupReplicationNode): Promise<void> {
    // A member that returns before the group has expelled it is refused, and gives up for good after a minute.
    if (!node.isRunning) {
      await waitUntil(async () => !hasMember(await this.views(), node), {
        what: `the group to put out ${node.name}`,
        deadlineMs: EXPEL_DEADLINE_MS,
      });
    }
    // It joins by itself, and is read-only until then.
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

/** Whether any other member still has it in its view. */
function hasMember(views: GroupViews<GroupReplicationNode>, node: GroupReplicationNode): boolean {
  const port = Number(new URL(node.url).port);
  return [...views].some(([other, view]) => other !== node && view?.ports.includes(port));
}

/** The account for calls and data of other members. A member needs it before it joins, so it must not come by the binary log. */
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
