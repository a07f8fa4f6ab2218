import { freePort } from '../support/free-port.js';
import { ServerSession } from '../support/server-session.js';
import type { ClusterNode, DatabaseCluster } from './database-cluster.js';
import { GaleraServer, type GaleraServerOptions } from './galera.server.js';

const NODES = 3;
const PORTS_OF_A_NODE = 4;
const ANSWER_DEADLINE_MS = 800;
const APPLICATION = 'mailing';

export interface GaleraOptions {
  /** `wsrep_sync_wait`: 0, the default of MariaDB, lets a node that lags answer with what was true before. */
  syncWait?: number;
}

/** One node of the cluster, as the drills see it. */
class GaleraNode implements ClusterNode {
  private readonly administrator: ServerSession;
  /** Beside the other: a statement of a drill may take long. */
  private readonly observer: ServerSession;

  constructor(
    readonly name: string,
    readonly server: GaleraServer,
  ) {
    this.administrator = new ServerSession(`${server.url}/${APPLICATION}`);
    this.observer = new ServerSession(server.url);
  }

  get url(): string {
    const url = new URL(`/${APPLICATION}`, this.server.url);
    url.username = APPLICATION;
    return url.href;
  }

  get isRunning(): boolean {
    return this.server.pid !== undefined;
  }

  kill(): Promise<void> {
    return this.server.kill();
  }

  shutDown(): Promise<void> {
    return this.server.kill('SIGTERM');
  }

  async rejoin(): Promise<void> {
    try {
      await this.server.rejoin();
    } catch (error) {
      throw new Error(`${this.name} did not rejoin. The end of its log:\n${await this.server.endOfLog()}`, {
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

  /** Whether it is a member of the part with a quorum, and no donor: that one refuses to write while it is copied. */
  async isWritable(): Promise<boolean> {
    if (!this.isRunning) return false;
    const rows = await this.observer.askWithin(
      ANSWER_DEADLINE_MS,
      "SHOW STATUS WHERE variable_name IN ('wsrep_local_state_comment', 'wsrep_cluster_status', 'wsrep_ready')",
    );
    const states = (rows ?? []).map((row) => String(row.Value));
    return ['Synced', 'Primary', 'ON'].every((state) => states.includes(state));
  }

  hangUp(): void {
    this.administrator.hangUp();
    this.observer.hangUp();
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
      await makeDatabase(nodes[0]);
      return new GaleraCluster(nodes);
    } catch (error) {
      await Promise.all(nodes.map(({ server }) => server.stop()));
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
    for (const node of this.nodes) node.hangUp();
    // The data are removed: an orderly end would have each tell the others first.
    await Promise.all(this.nodes.map(({ server }) => server.kill()));
    await Promise.all(this.nodes.map(({ server }) => server.stop()));
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

async function makeDatabase({ server }: GaleraNode): Promise<void> {
  const session = new ServerSession(server.url);
  try {
    await session.ask(`CREATE DATABASE ${APPLICATION} CHARACTER SET utf8mb4`);
    await session.ask(`CREATE USER ${APPLICATION}@'127.0.0.1'`);
    await session.ask(`GRANT ALL ON ${APPLICATION}.* TO ${APPLICATION}@'127.0.0.1'`);
  } finally {
    session.hangUp();
  }
}

/** Causal reads are off by default, as MariaDB has it. */
export function startGalera(options?: GaleraOptions): Promise<GaleraCluster> {
  return GaleraCluster.create(options);
}
