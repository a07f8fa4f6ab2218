/** Topologies of the drills. */
export const TOPOLOGIES = [
  'galera',
  'group-replication',
  'group-replication-multi-primary',
  'postgres-synchronous',
  'postgres-asynchronous',
  'mariadb-asynchronous',
] as const;

export type Topology = (typeof TOPOLOGIES)[number];

/** One server of a cluster, without the application. */
export interface ClusterNode {
  /** Short and constant: `node1`. */
  readonly name: string;
  /** URL of the application's database with its user, which may not write to a read-only server. */
  readonly url: string;
  readonly isRunning: boolean;
  /** `kill -9`; keeps the data. */
  kill(): Promise<void>;
  /** Shuts it down. */
  shutDown(): Promise<void>;
  /**
   * Starts it again after `kill` or `shutDown` as a member of the cluster, or only waits if it runs. Resolves when it is a member
   * and has caught up.
   */
  rejoin(): Promise<void>;
  /** SIGSTOP: it keeps its connections open and answers none. */
  freeze(): Promise<void>;
  thaw(): void;
  /** Rows of a statement, as an administrator. Reconnects with the next call after the connection broke. */
  ask(sql: string): Promise<Record<string, unknown>[]>;
}

/** Private replicating database servers, all on this machine. Disposing ends them and removes their data. */
export interface DatabaseCluster extends AsyncDisposable {
  readonly topology: Topology;
  readonly nodes: readonly ClusterNode[];
  /** Whether all nodes take writes at the same time. */
  readonly isMultiWriter: boolean;
  /**
   * The node that an application must connect to now: running, a member with a quorum, and writable. Null while there is none.
   * Does not wait, and takes at most a second with frozen nodes.
   */
  writer(): Promise<ClusterNode | null>;
  /**
   * Promotes the standby after the loss of the writer, as an administrator or a manager of the cluster does. Does nothing if the
   * cluster elects by itself.
   */
  failOver(): Promise<void>;
}

/** Starts a cluster; installs or unpacks what it needs first. */
export type StartCluster = () => Promise<DatabaseCluster>;

/** Starts a cluster, and leaves nothing behind if it can't be started. */
export async function started<C extends AsyncDisposable & { start(): Promise<void> }>(
  cluster: C,
): Promise<C> {
  try {
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}
