import type { EntityManager, QueryRunner } from 'typeorm';
import { queueOf } from './serial-queue.js';
import { InvalidArgumentError } from '../../model/errors/argument.errors.js';
import type { HostTransaction } from '../../model/ports/mailing.persister.js';
import type { Dialect } from '../connections/dialect.js';
import type {
  Inserted,
  MailingDatabase,
  Session,
  TableNames,
  TransactionalSession,
} from './mailing.database.js';

/**
 * A transaction of the host that the plugin writes in. It commits nothing, and repeats nothing: after a deadlock the database has rolled back what the
 * host wrote, too.
 */
export class HostTransactionSession implements HostTransaction, TransactionalSession {
  readonly dialect: Dialect;
  readonly tables: TableNames;
  readonly currentRows: string;
  #depth = 0;

  private constructor(
    /** Writes in the same transaction. */
    readonly manager: EntityManager,
    private readonly session: Session,
    private readonly runner: QueryRunner,
  ) {
    this.dialect = session.dialect;
    this.tables = session.tables;
    this.currentRows = session.dialect.whileItLasts;
  }

  /**
   * Runs a job in a savepoint: if it fails, nothing of it stays, whatever the host does then. Jobs that are given at the same time run one after
   * another, because a savepoint ends with all that came after it.
   *
   * @param manager of an open transaction.
   * @throws TransactionDatabaseError if it is one of another database; errors of the job.
   */
  static during<T>(
    database: MailingDatabase,
    manager: EntityManager,
    job: (transaction: HostTransactionSession) => Promise<T>,
  ): Promise<T> {
    const runner = manager.queryRunner as QueryRunner;
    const run = (): Promise<T> =>
      database.onRunner(runner, (session) => {
        const transaction = new HostTransactionSession(manager, session, runner);
        return transaction.transaction(() => job(transaction));
      });
    return queueOf(runner).run(run);
  }

  /** @throws InvalidArgumentError unless it is what `during` has handed to its job. */
  static of(transaction: HostTransaction): HostTransactionSession {
    if (transaction instanceof HostTransactionSession) return transaction;
    throw new InvalidArgumentError(
      'transaction',
      'what inside() has handed to its job, or null',
      transaction,
    );
  }

  rows<T>(sql: string, parameters?: unknown[]): Promise<T[]> {
    return this.session.rows<T>(sql, parameters);
  }

  change(sql: string, parameters?: unknown[]): Promise<number> {
    return this.session.change(sql, parameters);
  }

  insert(sql: string, parameters?: unknown[]): Promise<Inserted> {
    return this.session.insert(sql, parameters);
  }

  /**
   * Runs the steps in a savepoint. If they fail, nothing of them stays, and the transaction can go on; PostgreSQL would refuse every further statement
   * without it.
   *
   * Rejected: a nested `startTransaction` of TypeORM. After a deadlock, MySQL knows the savepoint no more, and TypeORM would count one level too many.
   */
  async transaction<T>(steps: (session: Session) => Promise<T>): Promise<T> {
    const savepoint = `mailing_${++this.#depth}`;
    await this.runner.query(`SAVEPOINT ${savepoint}`);
    try {
      const result = await steps(this);
      await this.runner.query(`RELEASE SAVEPOINT ${savepoint}`);
      return result;
    } catch (error) {
      // Ignored: the database may have ended the whole transaction, and the first error is the one to report.
      await this.runner.query(`ROLLBACK TO SAVEPOINT ${savepoint}`).catch(() => undefined);
      throw error;
    } finally {
      this.#depth--;
    }
  }
}
