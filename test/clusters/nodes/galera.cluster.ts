import { freePort } from '../../support/network/free-port.js';
import type { ClusterNode, DatabaseCluster } from '../database-cluster.js';
import { GaleraServer, type GaleraServerOptions } from './galera.server.js';
import { MAKE_APPLICATION, ServerNode } from './server.node.js';

const NODES = 3;
const PORTS_OF_A_NODE = 4;

export interface GaleraOptions {
  /** `wsrep_sync_wait`: 0, the default of MariaDB, lets a node that lags answer with what was true before. */
  syncWait?: number;
}

/** One node of the cluster, as the drills see it. */
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

  /** Whether it is a member of the part with a quorum, and no donor: that one refuses to write while it is copied. */
  async isWritable(): Promise<boolean> {
    const rows = await this.observe(
      "SHOW STATUS WHERE variable_name IN ('wsrep_local_state_comment', 'wsrep_cluster_status', 'wsrep_ready')",
    );
    const states = (rows ?? []).map((row) => String(row.Value));
    return ['Synced', 'Primary', 'ON'].every((state) => states.includes(state));
  }
}

/** Three nodes that all take writes. The application is led to one of them, and to another one when that is gone. */
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

  /** Every node writes already. */
  failOver(): Promise<void> {
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.dispose()));
  }
}

/** A node has to know those of the others before these have taken them. */
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

/** Causal reads are off by default, as MariaDB has it. */
export function startGalera(options?: GaleraOptions): Promise<GaleraCluster> {
  return GaleraCluster.create(options);
}
