import {
  type Inserted,
  MailingDatabase,
  type Session,
} from '../../../libs/mailing/src/store/database/mailing.database.js';

/** How the server is going to run one statement. */
export interface Plan {
  sql: string;
  key: string | null;
  rows: number;
  extra: string;
  /** Partition names, separated by commas; null: the table is not partitioned, or none of it has to be read. */
  partitions: string | null;
}

/** Runs every statement, and asks the server for its plan just before. */
export class ExplainingDatabase extends MailingDatabase {
  readonly plans: Plan[] = [];
  readonly asked: { sql: string; parameters?: unknown[] }[] = [];
  /**
   * In these forms both servers return one row for each step. MariaDB names partitions only on request; MySQL always does, and
   * prints a tree by default.
   */
  readonly #explain = super
    .rows<{ version: string }>('SELECT VERSION() AS version')
    .then(([{ version }]) =>
      version.includes('MariaDB') ? 'EXPLAIN PARTITIONS' : 'EXPLAIN FORMAT=TRADITIONAL',
    );

  /** The plan of a statement, table by table. */
  async steps(sql: string, parameters?: unknown[]): Promise<Record<'table' | 'key' | 'rows', unknown>[]> {
    return super.rows(`${await this.#explain} ${sql}`, parameters);
  }

  override transaction<T>(steps: (session: Session) => Promise<T>): Promise<T> {
    return super.transaction((session) => steps(this.#explaining(session)));
  }

  override rows<T>(sql: string, parameters?: unknown[]): Promise<T[]> {
    return this.#alone().rows<T>(sql, parameters);
  }

  override change(sql: string, parameters?: unknown[]): Promise<number> {
    return this.#alone().change(sql, parameters);
  }

  override insert(sql: string, parameters?: unknown[]): Promise<Inserted> {
    return this.#alone().insert(sql, parameters);
  }

  #alone(): Session {
    const { dialect, tables, currentRows } = this;
    return this.#explaining({
      dialect,
      tables,
      currentRows,
      rows: (sql, parameters) => super.rows(sql, parameters),
      change: (sql, parameters) => super.change(sql, parameters),
      insert: (sql, parameters) => super.insert(sql, parameters),
    });
  }

  #explaining(session: Session): Session {
    const explain = async (sql: string, parameters?: unknown[]): Promise<void> => {
      // An insert has no plan of its own.
      if (/^\s*INSERT/i.test(sql)) return;
      const steps = await session.rows<Record<string, unknown>>(`${await this.#explain} ${sql}`, parameters);
      this.asked.push({ sql, parameters });
      const [row] = steps;
      const key = (row.key as string | null) ?? null;
      const partitions = steps.flatMap((step) => (step.partitions as string | null) ?? []).join(',') || null;
      this.plans.push({ sql, key, rows: Number(row.rows ?? 0), extra: String(row.Extra), partitions });
    };
    return {
      ...session,
      rows: async (sql, parameters) => (await explain(sql, parameters), session.rows(sql, parameters)),
      change: async (sql, parameters) => (await explain(sql, parameters), session.change(sql, parameters)),
    };
  }
}
