/** Topologies that the drills run on. */
export const TOPOLOGIES = [
  'galera',
  'group-replication',
  'group-replication-multi-primary',
  'postgres-synchronous',
  'postgres-asynchronous',
  'mariadb-asynchronous',
] as const;

export type Topology = (typeof TOPOLOGIES)[number];

/** One server of a cluster, as seen past the application. */
export interface ClusterNode {
  /** Short and the same for its whole life: `node1`. */
  readonly name: string;
  /** Of the application's database, as its user, who has no privilege to write to a server that is read-only. */
  readonly url: string;
  readonly isRunning: boolean;
  /** `kill -9`: the data stay. */
  kill(): Promise<void>;
  /** Ends it in order. */
  shutDown(): Promise<void>;
  /**
   * Starts it again after `kill` or `shutDown` as a member of the cluster; one that runs is only waited for. Resolves when it takes part
   * and has caught up.
   */
  rejoin(): Promise<void>;
  /** SIGSTOP: it holds its connections and answers none. */
  freeze(): void;
  thaw(): void;
  /** Rows of a statement, as an administrator. A connection that broke is made anew by the next call. */
  ask(sql: string): Promise<Record<string, unknown>[]>;
}

/** Private database servers that replicate, all on this machine. Disposing ends them and removes their data. */
export interface DatabaseCluster extends AsyncDisposable {
  readonly topology: Topology;
  readonly nodes: readonly ClusterNode[];
  /** Whether every node takes writes at the same time. */
  readonly isMultiWriter: boolean;
  /**
   * Node to which an application has to connect now: one that runs, is a member with a quorum, and writes. Null while there is none.
   * It waits for nothing, and takes no longer than a second where nodes are frozen.
   */
  writer(): Promise<ClusterNode | null>;
  /**
   * What an administrator or a manager of the cluster does after the writer is gone, where the cluster does not do it by itself:
   * promotes the standby. Nothing where the cluster elects.
   */
  failOver(): Promise<void>;
}

/** Starts one; installs or unpacks what it needs first. */
export type StartCluster = () => Promise<DatabaseCluster>;
