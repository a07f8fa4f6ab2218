import type { BenchDatabase } from '../bench-database.js';

/** Statements of others than the bench on the database server within some time. */
export interface StatementCount {
  statements: number;
  selects: number;
  inserts: number;
  updates: number;
  deletes: number;
  commits: number;
  /** Bytes of the binary log; 0 where there is none. */
  binlogBytes: number;
}

const NAMES = {
  statements: 'Questions',
  selects: 'Com_select',
  inserts: 'Com_insert',
  updates: 'Com_update',
  deletes: 'Com_delete',
  commits: 'Com_commit',
  binlogBytes: 'Binlog_bytes_written',
} as const;

/** Starts to count. @returns a function that returns the count so far. */
export async function countStatements(database: BenchDatabase): Promise<() => Promise<StatementCount>> {
  const before = await read(database);
  return async () => {
    const now = await read(database);
    const difference = (one: keyof StatementCount): number => now[one] - before[one];
    return Object.fromEntries(
      (Object.keys(NAMES) as (keyof StatementCount)[]).map((one) => [one, difference(one)]),
    ) as unknown as StatementCount;
  };
}

async function read(database: BenchDatabase): Promise<StatementCount> {
  const rows = await database.rows<{ Variable_name: string; Value: string }>('SHOW GLOBAL STATUS');
  const values = new Map(rows.map((row) => [row.Variable_name, Number(row.Value)]));
  const entries = Object.entries(NAMES).map(([one, name]) => [one, values.get(name) ?? 0]);
  const count = Object.fromEntries(entries) as unknown as StatementCount;
  // The bench only selects while it waits; its other statements are not in the counted time.
  const { questions, selects } = database;
  return { ...count, statements: count.statements - questions, selects: count.selects - selects };
}
