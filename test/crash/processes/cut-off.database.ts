import { MailingDatabase, type Session } from '../../../libs/mailing/src/store/database/mailing.database.js';

/** The connection broke in the middle of a transaction. */
export class CutOff extends Error {}

/** A database that can be cut off between any two statements of a transaction, and before its commit. */
export class CutOffDatabase extends MailingDatabase {
  /** Statements of the last transaction. */
  numStatements = 0;
  /** Number of statements after which the next transaction is cut off. */
  cutOffAfter = Number.POSITIVE_INFINITY;

  override transaction<T>(steps: (session: Session) => Promise<T>): Promise<T> {
    return super.transaction(async (session) => {
      this.numStatements = 0;
      const result = await steps(this.#counted(session));
      await this.#step(session);
      return result;
    });
  }

  #counted(session: Session): Session {
    return {
      dialect: session.dialect,
      tables: session.tables,
      currentRows: session.currentRows,
      rows: async <T>(sql: string, parameters?: unknown[]) => {
        await this.#step(session);
        this.numStatements++;
        return session.rows<T>(sql, parameters);
      },
      change: async (sql, parameters) => {
        await this.#step(session);
        this.numStatements++;
        return session.change(sql, parameters);
      },
      insert: async (sql, parameters) => {
        await this.#step(session);
        this.numStatements++;
        return session.insert(sql, parameters);
      },
    };
  }

  async #step(session: Session): Promise<void> {
    if (this.numStatements < this.cutOffAfter) return;
    this.cutOffAfter = Number.POSITIVE_INFINITY;
    // As when the process or its host dies: the client can not roll back, so the database has to.
    if (session.dialect.name === 'mysql') await session.change('KILL CONNECTION_ID()').catch(() => undefined);
    throw new CutOff(`after ${this.numStatements} statements`);
  }
}
