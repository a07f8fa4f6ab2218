import { resolve } from 'node:path';
import type { DataSource, EntityTarget, ObjectLiteral, QueryResult, QueryRunner } from 'typeorm';
import { ModuleContext } from '../../model/host-calls/async-context.js';
import { TransactionDatabaseError } from '../../model/errors/host-transaction.errors.js';
import { dataSourceOf } from '../../model/tables/data-source-of.js';
import { EmailAddress } from '../../model/tables/email-address.entity.js';
import { type FaultPoints, noFaultPoints } from '../../model/ports/fault-points.js';
import { MailAddressClaim } from '../../model/tables/mail-address-claim.entity.js';
import { MailAttachment } from '../../model/tables/mail-attachment.entity.js';
import { MailBatch } from '../../model/tables/mail-batch.entity.js';
import { MailDeferred } from '../../model/tables/mail-deferred.entity.js';
import { MailServer } from '../../model/tables/mail-server.entity.js';
import { MailSuppression } from '../../model/tables/mail-suppression.entity.js';
import { MailTemplate } from '../../model/tables/mail-template.entity.js';
import { MailSlot } from '../../model/tables/mail-slot.entity.js';
import { MailTrackdata } from '../../model/tables/mail-trackdata.entity.js';
import { Mailing } from '../../model/tables/mailing.entity.js';
import { UserMailing } from '../../model/tables/user-mailing.entity.js';
import { CommitMemory, type CommitMemoryOptions } from '../failover/commit.memory.js';
import { answerToCommit, faultKindOf } from '../faults/database-fault.js';
import { type Dialect, dialectOf } from '../connections/dialect.js';
import { withGuardedRunner } from '../connections/guarded-runner.js';
import { FailoverWatch } from '../failover/failover.watch.js';
import { IdleTransactionLimit } from '../connections/idle-transaction.limit.js';
import { guardNewConnections } from '../connections/postgres-connection.guard.js';
import { PrimaryWatch } from '../connections/primary.watch.js';
import { queueOf, type SerialQueue } from './serial-queue.js';
import { keepStatementUnprinted } from '../faults/statement-error.js';
import { againAfterConflicts, againOnSameConnection } from './transaction-repeats.js';
import { UnsafeConnections } from '../connections/unsafe-connections.js';

/** The plugin's tables. */
const ENTITIES = {
  mailing: Mailing,
  userMailing: UserMailing,
  emailAddress: EmailAddress,
  mailServer: MailServer,
  mailTrackdata: MailTrackdata,
  mailDeferred: MailDeferred,
  mailBatch: MailBatch,
  mailAddressClaim: MailAddressClaim,
  mailSuppression: MailSuppression,
  mailTemplate: MailTemplate,
  mailAttachment: MailAttachment,
  mailSlot: MailSlot,
} as const;

/** Escaped names of the plugin's tables in this data source, with prefix and schema. */
export type TableNames = Record<keyof typeof ENTITIES, string>;

/** Result of an insert. */
export interface Inserted {
  /** Rows that were written. */
  numRows: number;
  /** Number of warnings from MySQL or MariaDB, notes included; 0 elsewhere. */
  numWarnings: number;
}

/** Runs statements with `?` for each parameter: inside a transaction, or one by one. */
export interface Session {
  readonly dialect: Dialect;
  readonly tables: TableNames;
  /**
   * Suffix of a query whose rows must be the current ones. Empty where the query itself begins the snapshot; a transaction of the host may have an
   * older one.
   */
  readonly currentRows: string;
  rows<T = Record<string, unknown>>(sql: string, parameters?: unknown[]): Promise<T[]>;
  /** @returns affected rows */
  change(sql: string, parameters?: unknown[]): Promise<number>;
  /** Runs an insert, for callers that need the number of warnings too: rows alone do not tell whether all is well. */
  insert(sql: string, parameters?: unknown[]): Promise<Inserted>;
}

/** Also runs several steps as one. */
export interface TransactionalSession extends Session {
  transaction<T>(steps: (session: Session) => Promise<T>): Promise<T>;
}

/**
 * All statements of the plugin to the host's database go through this class.
 *
 * On MySQL, MariaDB and PostgreSQL a transaction takes a connection from the pool and releases it. No other connection is held, so a pool of one is
 * enough. SQLite under TypeORM is one connection for the whole process: a statement of one flow that runs while another flow's transaction is open is
 * committed or rolled back with it. So on SQLite all statements of the plugin go through one queue.
 */
export class MailingDatabase implements TransactionalSession {
  readonly dialect: Dialect;
  readonly tables: TableNames;
  readonly currentRows = '';
  readonly unsafeConnections: UnsafeConnections;
  readonly primary: PrimaryWatch;
  /** What this process has committed lately for its slices. */
  readonly commits: CommitMemory;
  readonly failovers = new FailoverWatch();
  readonly #queue: SerialQueue | null;
  readonly #idleLimit: IdleTransactionLimit;

  constructor(
    private readonly dataSource: DataSource,
    private readonly faultPoints: FaultPoints = noFaultPoints,
    idleTransactionTimeoutMs = 0,
    private readonly context = new ModuleContext(),
    commits: CommitMemoryOptions = { memoryMs: 0, lagTimeoutMs: 0 },
  ) {
    this.commits = new CommitMemory(commits);
    this.dialect = dialectOf(dataSource);
    const names = Object.entries(ENTITIES).map(([name, entity]) => [name, this.#tableOf(entity)]);
    this.tables = Object.fromEntries(names) as TableNames;
    this.unsafeConnections = UnsafeConnections.of(dataSource);
    this.primary = PrimaryWatch.of(dataSource);
    this.primary.onBreak(() => this.failovers.noteBreak());
    this.#idleLimit = new IdleTransactionLimit(idleTransactionTimeoutMs, this.dialect.name);
    if (this.dialect.name === 'postgres') guardNewConnections(dataSource);
    this.#queue = this.dialect.oneConnection ? queueOf(dataSource) : null;
  }

  /**
   * Runs one query in its own transaction: a proxy before the database (ProxySQL, MaxScale, pgpool) may send a query outside of a transaction to a
   * replica. A replica that lags may not know a mailing yet, which recipients were sent to, which profile has an address, or which addresses are
   * suppressed. The transaction is not declared read-only, because such a proxy may send read-only transactions to a replica too. SQLite needs no
   * transaction.
   *
   * Rejected: running single queries without one, each with a proof that an old answer does no harm. Every later statement would need such a proof
   * too, and no test would fail without it.
   */
  rows<T>(sql: string, parameters: unknown[] = []): Promise<T[]> {
    const ask = (session: Session): Promise<T[]> => session.rows<T>(sql, parameters);
    if (this.dialect.oneConnection) return this.#perform((runner) => ask(this.#sessionOf(runner)), true);
    return this.#perform(async (runner) => {
      await runner.startTransaction();
      return this.#committed(runner, ask);
    });
  }

  change(sql: string, parameters: unknown[] = []): Promise<number> {
    return this.#alone((session) => session.change(sql, parameters));
  }

  insert(sql: string, parameters: unknown[] = []): Promise<Inserted> {
    return this.#alone((session) => session.insert(sql, parameters));
  }

  /**
   * Runs the steps in one transaction. It is repeated as a whole, a few times, if the database rolled it back for a conflict, and once if the server
   * turned out to be read-only. If the answer to the COMMIT leaves the outcome open, it is not repeated here (`FAULT_CODES`).
   *
   * If anything is written, the first statement has to be a write: a read before it would fix a snapshot, and on SQLite the later write would fail at once instead of waiting
   * for its turn.
   */
  transaction<T>(steps: (session: Session) => Promise<T>): Promise<T> {
    return this.#perform((runner) => this.#transactionOnce(runner, steps));
  }

  /**
   * Runs a job on a connection of the host, which may have a transaction open. Not through the queue of SQLite: such a transaction keeps the plugin's
   * own ones waiting.
   *
   * @throws TransactionDatabaseError if it is one to another database.
   */
  onRunner<T>(runner: QueryRunner, job: (session: Session) => Promise<T>): Promise<T> {
    const given = dataSourceOf(runner);
    if (!isSameDatabase(given, this.dataSource))
      throw new TransactionDatabaseError(given.driver.database ?? '', this.dataSource.driver.database ?? '');
    return withGuardedRunner(this.dataSource, () => job(this.#sessionOf(runner)), { given: runner });
  }

  async #transactionOnce<T>(runner: QueryRunner, steps: (session: Session) => Promise<T>): Promise<T> {
    await this.#idleLimit.begin(runner);
    return this.#committed(runner, async (session) => {
      const result = await steps(session);
      this.faultPoints.reach('beforeCommit');
      return result;
    });
  }

  /** @param runner with an open transaction. */
  async #committed<T>(runner: QueryRunner, steps: (session: Session) => Promise<T>): Promise<T> {
    try {
      const result = await steps(this.#sessionOf(runner));
      await runner.commitTransaction().catch((error: unknown) => {
        throw answerToCommit(error);
      });
      return result;
    } catch (error) {
      // Ignored: the connection may be what broke, and the first error is the one to report.
      await runner.rollbackTransaction().catch(() => undefined);
      throw error;
    }
  }

  /** A change outside of a transaction commits with its own statement. */
  #alone<T>(change: (session: Session) => Promise<T>): Promise<T> {
    return this.#perform((runner) =>
      change(this.#sessionOf(runner)).catch((error: unknown) => {
        throw answerToCommit(error);
      }),
    );
  }

  #perform<T>(transaction: (runner: QueryRunner) => Promise<T>, mayJoin = false): Promise<T> {
    return againAfterConflicts(() =>
      this.#withRunner((runner) => againOnSameConnection(() => transaction(runner)), mayJoin),
    );
  }

  #withRunner<T>(job: (runner: QueryRunner) => Promise<T>, mayJoin = false): Promise<T> {
    // Not in the caller's async context: a pool, a logger or a subscriber of the host could find the caller's transaction there, and this job is not
    // part of it.
    const run = (): Promise<T> =>
      this.context.begin(() => withGuardedRunner(this.dataSource, job, { mayJoin }));
    return this.#queue ? this.#queue.run(run) : run();
  }

  #sessionOf(runner: QueryRunner): Session {
    const run = async (sql: string, parameters: unknown[] = []): Promise<QueryResult> => {
      const bound = this.dialect.bind(sql, parameters);
      try {
        return (await runner.query(bound.sql, bound.parameters, true)) as QueryResult;
      } catch (error) {
        // A proxy may keep its connection to this process open, and route it to another server.
        if (['gone', 'open'].includes(faultKindOf(error) ?? '')) this.failovers.noteBreak();
        throw keepStatementUnprinted(error);
      }
    };
    const write: typeof run = async (sql, parameters) => {
      const answer = await run(sql, parameters);
      // The write succeeded, so the server is not read-only: a read-only server refuses even a change that affects no row.
      this.primary.outages.clear();
      return answer;
    };
    return {
      dialect: this.dialect,
      tables: this.tables,
      currentRows: this.currentRows,
      rows: async <T>(sql: string, parameters?: unknown[]) =>
        (await run(this.dialect.onPrimary + sql, parameters)).records as T[],
      change: async (sql, parameters) => (await write(sql, parameters)).affected ?? 0,
      insert: async (sql, parameters) => {
        const { affected, raw } = await write(sql, parameters);
        const { warningStatus = 0 } = (raw ?? {}) as { warningStatus?: number };
        return { numRows: affected ?? 0, numWarnings: warningStatus };
      },
    };
  }

  #tableOf(entity: EntityTarget<ObjectLiteral>): string {
    const { tablePath } = this.dataSource.getMetadata(entity);
    return tablePath
      .split('.')
      .map((part) => (part === '' ? part : this.dataSource.driver.escape(part)))
      .join('.');
  }
}

/** On SQLite, the host may have another connection to the same file. */
function isSameDatabase(one: DataSource, other: DataSource): boolean {
  if (one === other) return true;
  const [{ type, database }, { type: otherType, database: otherDatabase }] = [one.options, other.options];
  return (
    type === 'better-sqlite3' &&
    otherType === type &&
    typeof database === 'string' &&
    typeof otherDatabase === 'string' &&
    database !== ':memory:' &&
    resolve(database) === resolve(otherDatabase)
  );
}
