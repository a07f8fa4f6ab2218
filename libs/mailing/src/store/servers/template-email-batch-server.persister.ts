import { checkText, MAX_SERVER_ID_LENGTH } from '../../model/errors/argument.check.js';
import type { MailingDatabase } from '../database/mailing.database.js';
import { isDuplicateKey } from '../faults/database-fault.js';
import type { ServerSight } from '../failover/failover.watch.js';
import { ForgottenCommits } from '../recovery/forgotten-commits.js';
import { insertServer } from './insert-server.js';
import { pruneServer } from './prune-server.js';
import { replaceServer } from './replace-server.js';
import {
  countTakingBatches,
  findServer,
  readHeartbeats,
  readOtherServers,
  readServer,
  type RegisteredServer,
  type SeenServer,
} from './read-servers.js';
import { deleteServer } from './delete-server.js';
import type { ServerIdentity } from './server-identity.js';
import { renewLease } from './renew-lease.js';

/** Width of the column; a UUID. */
const MAX_INCARNATION_LENGTH = 36;

/** An incarnation that counts as dead from now on: its row is removed. */
export type PrunedServer = Pick<RegisteredServer, 'uniqServerId' | 'incarnation'>;

/** Rolls the heartbeat back: the slices that the database has forgotten must be reserved first. */
class NotReserved extends Error {
  constructor(readonly sight: ServerSight) {
    super('The database has failed over again, to a server on which nothing is reserved yet.');
  }
}

/** Receives what only this class finds out. */
export interface ServerListener {
  pruned(server: PrunedServer): void;
  /** This process has reached a database server that it did not know. `numAwaited` other processes have had no heartbeat there yet. */
  failedOver(numAwaited: number): void;
}

/** Tells whether a registered process is known not to run any more, whatever its lease says. */
export type IsKnownDead = (server: RegisteredServer) => boolean;

/**
 * The servers that share this database: registration, heartbeats, pruning of dead servers.
 *
 * @example
 * ```ts
 * declare const servers: TemplateEmailBatchServerPersister;
 * const server = await servers.find('64.69.0.100:8851');
 * console.log(server?.isExpired ? 'dead' : `process ${server?.pid} on ${server?.hostname}`);
 * ```
 */
export class TemplateEmailBatchServerPersister {
  constructor(
    private readonly database: MailingDatabase,
    private readonly leaseMs: number,
    private readonly tell: ServerListener = { pruned: () => undefined, failedOver: () => undefined },
  ) {}

  /**
   * Registers this process, in place of a dead one of the same id if there is one.
   *
   * @param judge tells whether the process in the row is known to be dead. Its expired lease counts in any case.
   * @returns null once registered, or the live server that has the id.
   * @throws InvalidArgumentError if an id is no text or too long; errors of the database.
   */
  async register(me: ServerIdentity, judge: IsKnownDead): Promise<RegisteredServer | null> {
    checkServer('register', me?.uniqServerId, me?.incarnation);
    for (;;) {
      const other = await this.find(me.uniqServerId);
      if (!other) {
        if (await this.#insert(me)) return null;
        continue;
      }
      const isKnownDead = judge(other);
      if (!isKnownDead && !other.isExpired) return other;
      if (await replaceServer(this.database, me, other.incarnation, isKnownDead, this.leaseMs)) return null;
    }
  }

  /**
   * Renews the lease. Before its first heartbeat on a database server, this process reserves the slices that the server has forgotten; after that
   * heartbeat, other processes may claim them.
   *
   * @returns false if this incarnation was declared dead.
   * @throws InvalidArgumentError if an id is no text or too long; errors of the database.
   */
  async renew(uniqServerId: string, incarnation: string): Promise<boolean> {
    checkServer('renew', uniqServerId, incarnation);
    const { database } = this;
    const renew = (): Promise<boolean> =>
      database.transaction(async (session) => {
        const isRenewed = await renewLease(session, uniqServerId, incarnation);
        const sight = database.failovers.observe(await readServer(session));
        if (!sight.isReserved) throw new NotReserved(sight);
        if (!sight.isSettled) sight.firstSeen ??= await readHeartbeats(session, uniqServerId);
        return isRenewed;
      });
    const isRenewed = await renew().catch(async (error: unknown) => {
      if (!(error instanceof NotReserved)) throw error;
      await new ForgottenCommits(database).reserve(uniqServerId, incarnation);
      error.sight.isReserved = true;
      return renew();
    });
    for (const sight of database.failovers.unsettled()) {
      const numAwaited = await this.#numAwaited(uniqServerId, sight);
      if (numAwaited === 0) database.failovers.settle(sight);
      if (numAwaited !== sight.numAwaited) this.tell.failedOver((sight.numAwaited = numAwaited));
    }
    return isRenewed;
  }

  /** Number of other processes that have had no heartbeat there since it was first seen, and may have one: their leases have not run out. */
  async #numAwaited(uniqServerId: string, { seenAt, firstSeen }: ServerSight): Promise<number> {
    if (performance.now() - seenAt >= this.leaseMs) return 0;
    const now = await readHeartbeats(this.database, uniqServerId);
    return [...now].filter(([process, at]) => firstSeen?.get(process) === at).length;
  }

  /**
   * Orderly end: removes the row, so no server has to wait for the lease.
   *
   * @throws InvalidArgumentError if an id is no text or too long; errors of the database.
   */
  async deregister(uniqServerId: string, incarnation: string): Promise<void> {
    checkServer('deregister', uniqServerId, incarnation);
    await deleteServer(this.database, uniqServerId, incarnation);
  }

  /**
   * Removes the row of a server that is dead.
   *
   * @param judge as for `register`.
   * @param judgesLease whether an expired lease proves death.
   * @returns true if the id has no live server now.
   * @throws InvalidArgumentError if the id is no text or too long; errors of the database.
   */
  async prune(uniqServerId: string, judge: IsKnownDead, judgesLease = true): Promise<boolean> {
    checkText('prune: uniqServerId', uniqServerId, MAX_SERVER_ID_LENGTH);
    const server = await this.find(uniqServerId);
    if (!server) return true;
    const isKnownDead = judge(server);
    if (!isKnownDead && !(judgesLease && server.isExpired)) return false;
    if (await this.#remove(server, isKnownDead)) return true;
    // Its heartbeat came in between, or another server pruned it first.
    return (await this.find(uniqServerId)) === null;
  }

  /**
   * Prunes every dead server but this one. Each death is judged again in the statement that removes the row, so any number of servers may do this at
   * the same moment.
   *
   * @returns the ids of the servers that were pruned here.
   * @throws InvalidArgumentError if the id is no text or too long; the first error of the database, after all servers have been tried.
   */
  async pruneDead(uniqServerId: string, judge: IsKnownDead, judgesLease: boolean): Promise<string[]> {
    checkText('pruneDead: uniqServerId', uniqServerId, MAX_SERVER_ID_LENGTH);
    const seen = await readOtherServers(this.database, uniqServerId, this.leaseMs);
    const others = seen.map((server) => this.#judged(server));
    const pruned: string[] = [];
    const failures: unknown[] = [];
    for (const server of others) {
      try {
        const isKnownDead = judge(server);
        const isDead = isKnownDead || (judgesLease && server.isExpired);
        if (isDead && (await this.#remove(server, isKnownDead))) pruned.push(server.uniqServerId);
      } catch (error) {
        // A locked row must not block the others.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return pruned;
  }

  /**
   * The server that has this id, dead or alive.
   *
   * @returns null if no process has this id.
   * @throws InvalidArgumentError if the id is no text or too long; errors of the database.
   */
  async find(uniqServerId: string): Promise<RegisteredServer | null> {
    checkText('find: uniqServerId', uniqServerId, MAX_SERVER_ID_LENGTH);
    const server = await findServer(this.database, uniqServerId, this.leaseMs);
    return server && this.#judged(server);
  }

  /** A lease counts only if this process may judge leases on the database server that answered. */
  #judged({ databaseServer, ...server }: SeenServer): RegisteredServer {
    const mayJudge = this.database.failovers.judgesLeases(databaseServer, this.leaseMs);
    return { ...server, isExpired: server.isExpired && mayJudge };
  }

  async #remove({ uniqServerId, incarnation }: RegisteredServer, isKnownDead: boolean): Promise<boolean> {
    const { database, leaseMs } = this;
    const isPruned = await pruneServer(database, uniqServerId, incarnation, isKnownDead, leaseMs);
    if (isPruned) this.tell.pruned({ uniqServerId, incarnation });
    return isPruned;
  }

  /** Number of servers that take batches and whose lease has not run out; at least 1. @throws errors of the database. */
  async countTakingBatches(): Promise<number> {
    return Math.max(1, await countTakingBatches(this.database, this.leaseMs));
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

function checkServer(call: string, uniqServerId: unknown, incarnation: unknown): void {
  checkText(`${call}: uniqServerId`, uniqServerId, MAX_SERVER_ID_LENGTH);
  checkText(`${call}: incarnation`, incarnation, MAX_INCARNATION_LENGTH);
}
