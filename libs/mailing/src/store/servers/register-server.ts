import type { Session } from '../database/mailing.database.js';

/** A process that registers as the server of this id. */
export interface ServerIdentity {
  uniqServerId: string;
  incarnation: string;
  hostname: string;
  pid: number;
  /** Pids can be compared only within it; null: unknown. */
  pidNamespace: string | null;
  takesBatches: boolean;
}

/**
 * Registers a server id that no process has.
 *
 * - The primary key decides between two processes that start at the same moment: the second gets a duplicate-key error.
 */
export async function insertServer(session: Session, me: ServerIdentity): Promise<void> {
  const { now } = session.dialect;
  await session.change(
    `INSERT INTO ${session.tables.mailServer}
       (uniq_server_id, incarnation, hostname, pid, pid_namespace, takes_batches, started_at, last_updated)
     VALUES (?, ?, ?, ?, ?, ?, ${now}, ${now})`,
    [me.uniqServerId, ...ownColumns(me)],
  );
}

/**
 * Takes the id over from a dead incarnation of the same server.
 *
 * - Lock: the server's row; index: primary key.
 * - The guard names the incarnation that was judged dead. A death by lease is judged again in the same statement, by the database's clock: a
 *   heartbeat that came in between wins.
 *
 * @param knownDead the process is known to be dead (its pid is gone, if pids can be compared), whatever its lease says.
 */
export async function replaceServer(
  session: Session,
  me: ServerIdentity,
  deadIncarnation: string,
  knownDead: boolean,
  leaseMs: number,
): Promise<boolean> {
  const { now, agoMs } = session.dialect;
  const changed = await session.change(
    `UPDATE ${session.tables.mailServer}
     SET incarnation = ?, hostname = ?, pid = ?, pid_namespace = ?, takes_batches = ?, started_at = ${now}, last_updated = ${now}
     WHERE uniq_server_id = ? AND incarnation = ? AND (? = 1 OR last_updated < ${agoMs})`,
    [...ownColumns(me), me.uniqServerId, deadIncarnation, knownDead ? 1 : 0, leaseMs],
  );
  return changed === 1;
}

/** Removes a dead server of another id, with the guards of `replaceServer`. */
export async function pruneServer(
  session: Session,
  uniqServerId: string,
  deadIncarnation: string,
  knownDead: boolean,
  leaseMs: number,
): Promise<boolean> {
  const changed = await session.change(
    `DELETE FROM ${session.tables.mailServer}
     WHERE uniq_server_id = ? AND incarnation = ? AND (? = 1 OR last_updated < ${session.dialect.agoMs})`,
    [uniqServerId, deadIncarnation, knownDead ? 1 : 0, leaseMs],
  );
  return changed === 1;
}

/** Flags are passed as numbers: not every driver takes a boolean, and every database accepts 0 and 1 as one. */
function ownColumns(me: ServerIdentity): unknown[] {
  return [me.incarnation, me.hostname, me.pid, me.pidNamespace, me.takesBatches ? 1 : 0];
}
