import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';

/** What one statement read of one table, as counted by the server. */
export interface TableAccess {
  sql: string;
  table: string;
  /** Null: a full scan. */
  index: string | null;
  /** Rows read, for each time that the table was accessed. */
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

type Access = Omit<TableAccess, 'sql'>;

/** Runs every SELECT, and has the server count the rows that it reads for it. For MariaDB, MySQL and PostgreSQL. */
export class MeasuringDatabase extends MailingDatabase {
  readonly accesses: TableAccess[] = [];
  #isMariaDb: boolean | undefined;

  override async rows<T>(sql: string, parameters?: unknown[]): Promise<T[]> {
    for (const access of await this.#measure(sql, parameters)) this.accesses.push({ ...access, sql });
    return super.rows<T>(sql, parameters);
  }

  async #measure(sql: string, parameters?: unknown[]): Promise<Access[]> {
    if (this.dialect.name === 'postgres') return this.#byNodes(sql, parameters);
    if (this.#isMariaDb === undefined) {
      const [{ version }] = await super.rows<{ version: string }>('SELECT VERSION() AS version');
      this.#isMariaDb = version.includes('MariaDB');
    }
    return this.#isMariaDb ? this.#byLines(sql, parameters) : this.#byIterators(sql, parameters);
  }

  async #byLines(sql: string, parameters?: unknown[]): Promise<Access[]> {
    const lines = await super.rows<Record<string, unknown>>(`ANALYZE ${sql}`, parameters);
    return lines
      .filter(({ table }) => typeof table === 'string' && !table.startsWith('<'))
      .map((line) => ({
        table: String(line.table),
        index: line.key as string | null,
        rowsRead: Number(line.r_rows ?? 0),
      }));
  }

  async #byIterators(sql: string, parameters?: unknown[]): Promise<Access[]> {
    return super.transaction(async (session) => {
      // Only this format of the plan has the counts.
      await session.change('SET SESSION explain_json_format_version = 2');
      const [row] = await session.rows<{ EXPLAIN: string | object }>(
        `EXPLAIN ANALYZE FORMAT=JSON ${sql}`,
        parameters,
      );
      const plan: unknown = typeof row.EXPLAIN === 'string' ? JSON.parse(row.EXPLAIN) : row.EXPLAIN;
      return iteratorAccessesOf(plan);
    });
  }

  async #byNodes(sql: string, parameters?: unknown[]): Promise<Access[]> {
    const [row] = await super.rows<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
      `EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`,
      parameters,
    );
    return nodeAccessesOf(row['QUERY PLAN'][0].Plan);
  }
}

function nodeAccessesOf(node: PlanNode): Access[] {
  const below = (node.Plans ?? []).flatMap(nodeAccessesOf);
  const table = node['Relation Name'];
  if (!table) return below;
  // The rows of a bitmap are those of its table, the index is in the node below.
  const index = node['Index Name'] ?? node.Plans?.[0]?.['Index Name'] ?? null;
  const { 'Rows Removed by Filter': filtered = 0, 'Rows Removed by Index Recheck': rechecked = 0 } = node;
  return [...below, { table, index, rowsRead: node['Actual Rows'] + filtered + rechecked }];
}

/** Iterators are below each other under several names, and those of subqueries under names of their own. */
function iteratorAccessesOf(node: unknown): Access[] {
  if (typeof node !== 'object' || node === null) return [];
  const below = Object.values(node).flatMap(iteratorAccessesOf);
  const iterator = node as Record<string, unknown>;
  const { schema_name: schema, table_name: table, index_name: index, actual_rows: rowsRead = 0 } = iterator;
  // Results of subqueries are read as tables too, and belong to no schema.
  if (typeof table !== 'string' || schema === undefined) return below;
  return [...below, { table, index: (index as string | undefined) ?? null, rowsRead: Number(rowsRead) }];
}
