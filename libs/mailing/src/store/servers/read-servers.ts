import type { Heartbeats } from '../failover/failover.watch.js';
import type { Session } from '../database/mailing.database.js';
import { PROCESS_COLUMNS } from './server-identity.js';

/** A server as its row shows it. */
export interface RegisteredServer {
  uniqServerId: string;
  incarnation: string;
  hostname: string;
  pid: number;
  /** The pid can be compared only within it; null: unknown. */
  pidNamespace: string | null;
  /** Its lease ran out, by the database's clock. */
  isExpired: boolean;
}

/** A server as one database server shows it. */
export interface SeenServer extends RegisteredServer {
  /** The database server that answered, as it calls itself. */
  databaseServer: string;
}

/** Own name of the database server that this session is on. */
export async function readServer(session: Session): Promise<string> {
  const [row] = await session.rows<{ server: string }>(`SELECT ${session.dialect.server} AS server`);
  return row.server;
}

/** The last heartbeats of the other mail servers; one row per server. */
export async function readHeartbeats(session: Session, uniqServerId: string): Promise<Heartbeats> {
  const { dialect, tables } = session;
  const rows = await session.rows<{ id: string; incarnation: string; at_ms: number | string }>(
    `SELECT uniq_server_id AS id, incarnation, ${dialect.epochMs('last_updated')} AS at_ms
     FROM ${tables.mailServer} WHERE uniq_server_id <> ?`,
    [uniqServerId],
  );
  return new Map(rows.map(({ id, incarnation, at_ms: at }) => [`${id} ${incarnation}`, Number(at)]));
}

/** One server; index: primary key. @returns null if no process has this id. */
export async function findServer(
  session: Session,
  uniqServerId: string,
  leaseMs: number,
): Promise<SeenServer | null> {
  const [server] = await readServers(session, 'uniq_server_id = ?', uniqServerId, leaseMs);
  return server ?? null;
}

/** All servers but one; one row per server. */
export function readOtherServers(
  session: Session,
  uniqServerId: string,
  leaseMs: number,
): Promise<SeenServer[]> {
  return readServers(session, 'uniq_server_id <> ?', uniqServerId, leaseMs);
}

async function readServers(
  session: Session,
  condition: string,
  uniqServerId: string,
  leaseMs: number,
): Promise<SeenServer[]> {
  const { dialect, tables } = session;
  const rows = await session.rows<Record<string, unknown>>(
    `SELECT uniq_server_id, ${PROCESS_COLUMNS.join(', ')},
       CASE WHEN last_updated < ${dialect.agoMs} THEN 1 ELSE 0 END AS expired, ${dialect.server} AS server
     FROM ${tables.mailServer} WHERE ${condition}`,
    [leaseMs, uniqServerId],
  );
  return rows.map((row) => ({
    uniqServerId: String(row.uniq_server_id),
    incarnation: String(row.incarnation),
    hostname: String(row.hostname),
    pid: Number(row.pid),
    pidNamespace: row.pid_namespace as string | null,
    isExpired: Number(row.expired) === 1,
    databaseServer: String(row.server),
  }));
}

/** Number of servers that take batches and whose lease has not run out. */
export async function countTakingBatches(session: Session, leaseMs: number): Promise<number> {
  const [row] = await session.rows<{ count: unknown }>(
    `SELECT COUNT(*) AS count FROM ${session.tables.mailServer}
     WHERE takes_batches = TRUE AND last_updated >= ${session.dialect.agoMs}`,
    [leaseMs],
  );
  return Number(row.count);
}
