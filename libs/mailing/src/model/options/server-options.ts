import type { Type } from '@nestjs/common';
import type { Dispatcher } from '../ports/dispatcher.js';

/** How this process shows that it is alive, and how it shuts down. */
export interface ServerOptions {
  /**
   * Time between two heartbeats, and between two sweeps for work left behind, in milliseconds. Default: 5,000. Bounds: 20 to 600,000. Too
   * low: needless load on the database. Too high: see `leaseMs`.
   */
  heartbeatIntervalMs?: number;
  /**
   * A server without a heartbeat for this long counts as dead, in milliseconds by the database's clock. Default: 20,000, at least 3 ×
   * `heartbeatIntervalMs`. Bounds: 3 × `heartbeatIntervalMs` to 86,400,000. Too low: a slow database makes live servers look dead. Too
   * high: the work of a dead server on another host waits that long, and so does a container that was killed and starts again. All servers
   * of one database need the same value.
   */
  leaseMs?: number;
  /**
   * Longest wait at shutdown for messages in flight, in milliseconds. Default: 10,000. Bounds: 0 to 600,000. Too low:
   * recipients are left in doubt by an orderly stop. Too high: the platform kills the process first.
   */
  shutdownTimeoutMs?: number;
  /**
   * How long a process may be silent inside a transaction before the database rolls the transaction back, in milliseconds; 0: the plugin
   * sets no limit. Not on SQLite. Default: 60,000. Bounds: 0 to 3,600,000. PostgreSQL: set for the plugin's own transactions only. MariaDB
   * and MySQL: set in seconds, rounded up, on each connection that the plugin uses, so it holds for the host's transactions on that
   * connection too. MariaDB limits only transactions that have written something. MySQL limits the whole session (`wait_timeout`), and the
   * plugin sends keep-alives on it, so MySQL ends only the sessions of a process that is stopped, cut off, or busy without a pause for so
   * long. Too low: a host that pauses inside a transaction loses it; on MySQL a busy process loses its connections. Too high: a mailing
   * whose server lost power in mid-commit can't be taken over before this time.
   */
  idleTransactionTimeoutMs?: number;
  /**
   * How long the database may show an older state of a mailing than this process has committed, in milliseconds, as a cluster node that
   * lags behind does. After that the database counts as rewound, as by a failover that lost commits: this process writes again what it
   * remembers, and pauses a mailing of which it does not remember all. Default: 5,000. Bounds: 0 to 600,000. Too low: a lagging node counts
   * as rewound, which costs a failed transaction on a cluster that certifies writes, and nothing else. Too high: after such a failover
   * mailings wait that long, and other servers may meanwhile claim work that they should not.
   */
  databaseLagTimeoutMs?: number;
  /**
   * How long this process remembers its commits, in milliseconds, for a database that loses commits in a failover; 0: it remembers none.
   * Default: 60,000. Bounds: 0 to 3,600,000. It costs some bytes per recipient, 8 MB at most. Too low: recipients of commits that the
   * database has lost and this process has forgotten are in doubt. Too high: memory is wasted.
   */
  commitMemoryMs?: number;
}

/** How several servers share a mailing. */
export interface BatchOptions {
  /**
   * Recipients of one batch, unless the mailing sets `batchSize`. Default: 100. Bounds: 1 to 1,000,000. Too low: claiming and merging a
   * batch costs a dozen statements. Too high: at the end of a mailing few servers have work.
   */
  emailsPerBatch?: number;
  /**
   * Batches that this process runs at a time, each with `run.concurrency` messages in flight, in addition to the mailings of
   * `run.maxConcurrentMailings`. Default: 4. Bounds: 1 to 1,000. Too low: this server does less than it could. Too high: messages wait for
   * a connection of the transport, and a crash leaves up to `run.maxInDoubt` recipients in doubt for each of these batches.
   */
  numBatchThreads?: number;
  /**
   * Whether every persisted mailing is batched unless it says `batched: false`. Default: false. If no server has
   * `enabledAsTemplateMailServer`, batched mailings wait for one.
   */
  batchIfPossible?: boolean;
  /**
   * Longest time between two polls for free batches, in milliseconds. Default: 1,000. Bounds: 20 to 600,000. Too low: needless load on the
   * database. Too high: servers idle between batches that others made free.
   */
  pollIntervalMs?: number;
  /**
   * Tells servers that there are free batches; a provider of the host, or a class that Nest instantiates. Default: servers look by
   * themselves every `pollIntervalMs`.
   */
  dispatcher?: Type<Dispatcher>;
}

/** Where the journal is kept. */
export interface JournalOptions {
  /**
   * Absolute path of a folder on a disk of this machine, used by the servers of this application alone; created if missing. It must be the same
   * after a restart. The journal is used on Linux only.
   */
  dir: string;
}
