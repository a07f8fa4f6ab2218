import { MailingDatabase } from '../../libs/mailing/src/store/mailing.database.js';

/** What a statement did to one table, as the server counted it. */
export interface TableAccess {
  sql: string;
  table: string;
  /** Null: the table as it lies. */
  index: string | null;
  /** Rows that were looked at, for each time that the table was asked. */
  rowsRead: number;
}

interface PlanNode {
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: PlanNode[];
}

/** Lets every question run and has the server count what it reads for it; MariaDB and PostgreSQL. */
export class MeasuringDatabase extends MailingDatabase {
  readonly accesses: TableAccess[] = [];

  override async rows<T>(sql: string, parameters?: unknown[]): Promise<T[]> {
    const found = this.dialect.name === 'postgres' ? this.#byNodes : this.#byLines;
    for (const access of await found(sql, parameters)) this.accesses.push({ ...access, sql });
    return super.rows<T>(sql, parameters);
  }

  readonly #byLines = async (sql: string, parameters?: unknown[]): Promise<Omit<TableAccess, 'sql'>[]> => {
    const lines = await super.rows<Record<string, unknown>>(`ANALYZE ${sql}`, parameters);
    return lines
      .filter(({ table }) => typeof table === 'string' && !table.startsWith('<'))
      .map((line) => ({
        table: String(line.table),
        index: line.key as string | null,
        rowsRead: Number(line.r_rows ?? 0),
      }));
  };

  readonly #byNodes = async (sql: string, parameters?: unknown[]): Promise<Omit<TableAccess, 'sql'>[]> => {
    const [row] = await super.rows<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
      `EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`,
      parameters,
    );
    return accessesOf(row['QUERY PLAN'][0].Plan);
  };
}

function accessesOf(node: PlanNode): Omit<TableAccess, 'sql'>[] {
  const below = (node.Plans ?? []).flatMap(accessesOf);
  const table = node['Relation Name'];
  if (!table) return below;
  // The rows of a bitmap are those of its table, the index is in the node below.
  const index = node['Index Name'] ?? node.Plans?.[0]?.['Index Name'] ?? null;
  const { 'Rows Removed by Filter': filtered = 0, 'Rows Removed by Index Recheck': rechecked = 0 } = node;
  return [...below, { table, index, rowsRead: node['Actual Rows'] + filtered + rechecked }];
}
