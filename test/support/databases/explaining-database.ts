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
  /** Names with commas in between; null: the table is not partitioned, or nothing of it has to be looked at. */
  partitions: string | null;
}

/** Lets every statement run and asks the server, just before, how it is going to. */
export class ExplainingDatabase extends MailingDatabase {
  readonly plans: Plan[] = [];
  readonly asked: { sql: string; parameters?: unknown[] }[] = [];
  /** Both give one row a step so. MariaDB names partitions if it is asked to; MySQL always does, and draws a tree by default. */
  readonly #explain = super
    .rows<{ version: string }>('SELECT VERSION() AS version')
    .then(([{ version }]) =>
      version.includes('MariaDB') ? 'EXPLAIN PARTITIONS' : 'EXPLAIN FORMAT=TRADITIONAL',
    );

  /** How the server is going to run a statement, table by table. */
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
    const { dialect, tables } = this;
    return this.#explaining({
      dialect,
      tables,
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
