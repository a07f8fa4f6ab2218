import { MailingDatabase, type Session } from '../../../libs/mailing/src/store/database/mailing.database.js';

/** One step of a plan, as PostgreSQL reports it. */
interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  Plans?: PlanNode[];
}

export interface Step {
  sql: string;
  node: PlanNode;
}

/** Runs every statement, and asks the server for its plan just before. */
export class ExplainingPostgres extends MailingDatabase {
  readonly steps: Step[] = [];

  override transaction<T>(steps: (session: Session) => Promise<T>): Promise<T> {
    return super.transaction((session) => {
      const explained = async (sql: string, parameters?: unknown[]): Promise<void> => {
        // An insert has no plan of its own.
        if (/^\s*INSERT/i.test(sql)) return;
        const [row] = await session.rows<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
          `EXPLAIN (FORMAT JSON) ${sql}`,
          parameters,
        );
        for (const node of nodesOf(row['QUERY PLAN'][0].Plan)) this.steps.push({ sql, node });
      };
      return steps({
        ...session,
        rows: async (sql, parameters) => (await explained(sql, parameters), session.rows(sql, parameters)),
        change: async (sql, parameters) => (
          await explained(sql, parameters),
          session.change(sql, parameters)
        ),
      });
    });
  }

  override rows<T>(sql: string, parameters?: unknown[]): Promise<T[]> {
    return this.transaction((session) => session.rows<T>(sql, parameters));
  }

  override change(sql: string, parameters?: unknown[]): Promise<number> {
    return this.transaction((session) => session.change(sql, parameters));
  }
}

function* nodesOf(node: PlanNode): Iterable<PlanNode> {
  yield node;
  for (const child of node.Plans ?? []) yield* nodesOf(child);
}

/**
 * The steps that are neither index look-ups nor made of them. The table of servers has a row or two, so a sequential scan of it
 * is fine.
 */
export function stepsWithoutKey(steps: Step[]): Step[] {
  return steps.filter(
    ({ node }) =>
      node['Relation Name'] !== 'dps_mail_server' &&
      /Scan|Sort|Aggregate/.test(node['Node Type']) &&
      !/^(Bitmap )?(Index|Heap)( Only)? Scan$|^Aggregate$/.test(node['Node Type']),
  );
}
