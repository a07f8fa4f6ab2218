import { MailingDatabase, type Session } from '../../../libs/mailing/src/store/database/mailing.database.js';

/** What PostgreSQL tells of one step of a plan. */
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

/** Lets every statement run and asks the server, just before, how it is going to. */
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

/** The steps that are neither a look-up by key nor made of such. The table of servers has a row or two, and is read as it lies. */
export function stepsWithoutKey(steps: Step[]): Step[] {
  return steps.filter(
    ({ node }) =>
      node['Relation Name'] !== 'dps_mail_server' &&
      /Scan|Sort|Aggregate/.test(node['Node Type']) &&
      !/^(Bitmap )?(Index|Heap)( Only)? Scan$|^Aggregate$/.test(node['Node Type']),
  );
}
