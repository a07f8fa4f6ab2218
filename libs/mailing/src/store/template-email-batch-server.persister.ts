import type { MailingDatabase } from './mailing.database.js';
import { isDuplicateKey } from './database-fault.js';
import {
  type ServerIdentity,
  buryServer,
  insertServer,
  replaceServer,
} from './statements/register-server.js';
import { renewLease } from './statements/renew-lease.js';

/** A server as its row tells. */
export interface RegisteredServer {
  uniqServerId: string;
  incarnation: string;
  hostname: string;
  pid: number;
  /** Within which its pid can be compared; null: unknown, or an older version wrote the row. */
  pidSpace: string | null;
  /** Its lease ran out, by the database's clock. */
  expired: boolean;
}

/** Tells whether a registered process is known not to run any more, whatever its lease says. */
export type IsKnownDead = (server: RegisteredServer) => boolean;

/**
 * The servers that share this database: registering, heartbeats, burying the dead.
 *
 * @example
 * ```ts
 * declare const servers: TemplateEmailBatchServerPersister;
 * const server = await servers.find('64.69.0.100:8851');
 * console.log(server?.expired ? 'dead' : `process ${server?.pid} on ${server?.hostname}`);
 * ```
 */
export class TemplateEmailBatchServerPersister {
  constructor(
    private readonly database: MailingDatabase,
    private readonly serverTimeoutMs: number,
  ) {}

  /**
   * Registers this process, in place of a dead one of the same id if there is one.
   *
   * @returns null once registered, or the live server that has the id.
   */
  async register(me: ServerIdentity, isKnownDead: IsKnownDead): Promise<RegisteredServer | null> {
    for (;;) {
      const other = await this.find(me.uniqServerId);
      if (!other) {
        if (await this.#insert(me)) return null;
        continue;
      }
      const knownDead = isKnownDead(other);
      if (!knownDead && !other.expired) return other;
      if (await replaceServer(this.database, me, other.incarnation, knownDead, this.serverTimeoutMs))
        return null;
    }
  }

  /** @returns false if somebody declared this incarnation dead. */
  renew(uniqServerId: string, incarnation: string): Promise<boolean> {
    return renewLease(this.database, uniqServerId, incarnation);
  }

  /** Orderly end: the row goes, so nobody has to wait for the lease. */
  async deregister(uniqServerId: string, incarnation: string): Promise<void> {
    await this.database.change(
      `DELETE FROM ${this.database.tables.mailServer} WHERE uniq_server_id = ? AND incarnation = ?`,
      [uniqServerId, incarnation],
    );
  }

  /** Removes the row of a server that is dead. @returns true if the id has no live server now. */
  async bury(uniqServerId: string, isKnownDead: IsKnownDead): Promise<boolean> {
    const server = await this.find(uniqServerId);
    if (!server) return true;
    const knownDead = isKnownDead(server);
    if (!knownDead && !server.expired) return false;
    return buryServer(this.database, uniqServerId, server.incarnation, knownDead, this.serverTimeoutMs);
  }

  /** @returns null if no process has this id. */
  async find(uniqServerId: string): Promise<RegisteredServer | null> {
    const [row] = await this.database.rows<Record<string, unknown>>(
      `SELECT incarnation, hostname, pid, pid_space, CASE WHEN last_updated < ${this.database.dialect.agoMs} THEN 1 ELSE 0 END AS expired
       FROM ${this.database.tables.mailServer} WHERE uniq_server_id = ?`,
      [this.serverTimeoutMs, uniqServerId],
    );
    if (!row) return null;
    return {
      uniqServerId,
      incarnation: String(row.incarnation),
      hostname: String(row.hostname),
      pid: Number(row.pid),
      pidSpace: row.pid_space as string | null,
      expired: Number(row.expired) === 1,
    };
  }

  /** Registered servers that take batches; at least 1. */
  async countTakingBatches(): Promise<number> {
    const [row] = await this.database.rows<{ count: unknown }>(
      `SELECT COUNT(*) AS count FROM ${this.database.tables.mailServer}
       WHERE takes_batches = TRUE AND last_updated >= ${this.database.dialect.agoMs}`,
      [this.serverTimeoutMs],
    );
    return Math.max(1, Number(row.count));
  }

  async #insert(me: ServerIdentity): Promise<boolean> {
    try {
      await insertServer(this.database, me);
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }
}
