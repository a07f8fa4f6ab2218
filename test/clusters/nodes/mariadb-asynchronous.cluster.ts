import { type MariaDbServer, startMariaDb } from '../../support/servers/maria-db.server.js';
import { TcpProxy } from '../../support/network/tcp-proxy.js';
import { waitUntil } from '../../support/wait-until.js';
import { MAKE_APPLICATION, ServerNode } from './server.node.js';
import { StandbyCluster, type StandbyNode } from './standby.cluster.js';
import { started } from '../database-cluster.js';

const CATCH_UP_DEADLINE_S = 60;

const ARGUMENTS = [
  '--log-bin=binlog',
  '--binlog-format=ROW',
  // As MySQL's default: every commit is in the log.
  '--sync-binlog=1',
  // A promoted standby needs the whole log for its own standby.
  '--log-slave-updates=ON',
  '--read-only=ON',
];

/** A server ignores events with its own id, so each server without data needs a new one. */
class Identity {
  private static last = 0;
  serverId = ++Identity.last;

  renew(): void {
    this.serverId = ++Identity.last;
  }
}

class MariaDbNode extends ServerNode<MariaDbServer> implements StandbyNode {
  constructor(
    name: string,
    server: MariaDbServer,
    readonly proxy: TcpProxy,
    private readonly identity: Identity,
    private readonly returnOf: (node: MariaDbNode) => Promise<void>,
  ) {
    super(name, server);
  }

  rejoin(): Promise<void> {
    return this.returnOf(this);
  }

  async takesWrites(): Promise<boolean> {
    const rows = await this.observe('SELECT @@read_only AS isReadOnly');
    return rows !== null && Number(rows[0].isReadOnly) === 0;
  }

  async startAsPrimary(): Promise<void> {
    await this.server.start();
    await this.askInOrder(['SET GLOBAL read_only = OFF']);
  }

  /** Resolves when it has caught up with the source. The log begins with the very first statement, so an empty server becomes a copy. */
  async follow(source: MariaDbNode, isCopy: boolean): Promise<void> {
    if (!isCopy) {
      this.identity.renew();
      await this.server.becomeEmpty();
    }
    await this.server.start();
    if (!isCopy) {
      const port = new URL(source.proxy.url).port;
      await this.askInOrder([
        `CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${port}, MASTER_USER = 'root',
           MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1`,
        'START SLAVE',
      ]);
    }
    const [{ position }] = await source.askInOrder(['SELECT @@GLOBAL.gtid_binlog_pos AS position']);
    const [{ answer }] = await this.askInOrder([
      `SELECT MASTER_GTID_WAIT('${String(position)}', ${CATCH_UP_DEADLINE_S}) AS answer`,
    ]);
    if (Number(answer) !== 0) throw new Error(`${this.name} did not catch up with ${source.name}.`);
  }

  async promote(): Promise<void> {
    await this.askInOrder(['STOP SLAVE IO_THREAD']);
    await waitUntil(() => this.hasAppliedAll(), { what: `${this.name} to apply what it got` });
    await this.askInOrder(['STOP SLAVE', 'RESET SLAVE ALL', 'SET GLOBAL read_only = OFF']);
  }

  override async dispose(): Promise<void> {
    await super.dispose();
    await this.proxy.close();
  }

  private async hasAppliedAll(): Promise<boolean> {
    const [status] = await this.askInOrder(['SHOW SLAVE STATUS']);
    const [{ position }] = await this.askInOrder(['SELECT @@GLOBAL.gtid_slave_pos AS position']);
    return status.Gtid_IO_Pos === position;
  }
}

/** MariaDB with an asynchronous replica. Commits that were not shipped yet are lost with the primary. */
export class MariaDbAsynchronousCluster extends StandbyCluster<MariaDbNode> {
  readonly topology = 'mariadb-asynchronous';

  static create(): Promise<MariaDbAsynchronousCluster> {
    return started(new MariaDbAsynchronousCluster());
  }

  protected isPromotable(): boolean {
    return true;
  }

  protected join(node: MariaDbNode, isCopy: boolean): Promise<void> {
    return node.follow(this.primary, isCopy);
  }

  /** Called by `create`. */
  async start(): Promise<void> {
    for (const name of ['node1', 'node2']) await this.add(name);
    const [primary, standby] = this.nodes;
    this.primary = primary;
    await primary.startAsPrimary();
    await primary.askInOrder(MAKE_APPLICATION);
    await standby.shutDown();
    await this.rejoin(standby);
  }

  private async add(name: string): Promise<void> {
    const identity = new Identity();
    const server = await startMariaDb({
      get arguments() {
        return [`--server-id=${identity.serverId}`, ...ARGUMENTS];
      },
    });
    const proxy = await TcpProxy.start(server.url);
    this.nodes.push(new MariaDbNode(name, server, proxy, identity, (node) => this.rejoin(node)));
  }
}

export function startAsynchronousMariaDb(): Promise<MariaDbAsynchronousCluster> {
  return MariaDbAsynchronousCluster.create();
}
