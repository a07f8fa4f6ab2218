import { freePort } from '../../support/network/free-port.js';
import type { ClusterNode, DatabaseCluster } from '../database-cluster.js';
import { GaleraServer, type GaleraServerOptions } from './galera.server.js';
import { MAKE_APPLICATION, ServerNode } from './server.node.js';

const NODES = 3;
const PORTS_OF_A_NODE = 4;

export interface GaleraOptions {
  /** `wsrep_sync_wait`: 0, the default of MariaDB, lets a lagging node return old rows. */
  syncWait?: number;
}

/** A node of the cluster for the drills. */
class GaleraNode extends ServerNode<GaleraServer> {
  async rejoin(): Promise<void> {
    try {
      await this.server.rejoin();
    } catch (error) {
      throw new Error(`${this.name} did not rejoin. The end of its log:\n${await this.server.endOfLog()}`, {
        cause: error,
      });
    }
  }

  /** Whether it is in the component with a quorum, and not a donor, which refuses writes while it is copied. */
  async isWritable(): Promise<boolean> {
    const rows = await this.observe(
      "SHOW STATUS WHERE variable_name IN ('wsrep_local_state_comment', 'wsrep_cluster_status', 'wsrep_ready')",
    );
    const states = (rows ?? []).map((row) => String(row.Value));
    return ['Synced', 'Primary', 'ON'].every((state) => states.includes(state));
  }
}

/** Three writable nodes. The application connects to one of them, and to another one if that is lost. */
export class GaleraCluster implements DatabaseCluster {
  readonly topology = 'galera';
  readonly isMultiWriter = true;
  private last: GaleraNode;

  private constructor(readonly nodes: readonly GaleraNode[]) {
    this.last = nodes[0];
  }

  static async create({ syncWait = 0 }: GaleraOptions = {}): Promise<GaleraCluster> {
    const ports = await differentPorts(NODES * PORTS_OF_A_NODE);
    const nodes: GaleraNode[] = [];
    try {
      for (let n = 0; n < NODES; n++) nodes.push(await startNode(n, ports, syncWait));
      await nodes[0].askInOrder(MAKE_APPLICATION);
      return new GaleraCluster(nodes);
    } catch (error) {
      await Promise.all(nodes.map((node) => node.dispose()));
      throw error;
    }
  }

  async writer(): Promise<ClusterNode | null> {
    const writable = await Promise.all(
      this.nodes.map(async (node) => ((await node.isWritable()) ? node : null)),
    );
    const found = writable.find((node) => node === this.last) ?? writable.find((node) => node !== null);
    if (found) this.last = found;
    return found ?? null;
  }

  /** Nothing to promote, because all nodes take writes. */
  failOver(): Promise<void> {
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.dispose()));
  }
}

/** Chosen before any node listens, because each node needs the ports of the others. */
async function differentPorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

async function startNode(n: number, ports: readonly number[], syncWait: number): Promise<GaleraNode> {
  const portsOf = (one: number): GaleraServerOptions['ports'] => {
    const [client, group, incremental, snapshot] = ports.slice(one * PORTS_OF_A_NODE);
    return { client, group, incremental, snapshot };
  };
  const name = `node${n + 1}`;
  const server = await GaleraServer.create({
    name,
    ports: portsOf(n),
    groupPorts: Array.from({ length: NODES }, (_, one) => portsOf(one).group),
    isFirst: n === 0,
    arguments: [`--wsrep-sync-wait=${syncWait}`],
  });
  return new GaleraNode(name, server);
}

/** Causal reads are off by default, as in MariaDB. */
export function startGalera(options?: GaleraOptions): Promise<GaleraCluster> {
  return GaleraCluster.create(options);
}
