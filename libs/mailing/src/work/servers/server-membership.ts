import { isDrawnBy } from '../../model/states/claim-token.js';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { DatabaseBehindError } from '../../model/errors/database-behind.error.js';
import type { IdHolder } from '../../model/errors/id-holder.js';
import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { ServerState } from '../../model/reports/mailing-health.report.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { RegisteredServer } from '../../store/servers/read-servers.js';
import type { TemplateEmailBatchServerPersister } from '../../store/servers/template-email-batch-server.persister.js';
import type { JournalManager } from './journal.manager.js';
import { Lease } from './lease.js';
import { readPidNamespace } from './pid-namespace.js';

/** The facts by which the death of a process is known. */
type Comparable = Pick<RegisteredServer, 'incarnation' | 'hostname' | 'pid' | 'pidNamespace'>;

/** The result of a heartbeat. */
export type MembershipState = Exclude<ServerState, 'starting'>;

/** Incarnations that live in this very process, so that two applications in one process do not judge each other dead. */
const living: Set<string> = ((globalThis as Record<symbol, unknown>)[
  Symbol.for('nestjs-mailing:incarnations')
] ??= new Set<string>()) as Set<string>;

/**
 * This process as one of the servers that share the database.
 *
 * A process is known by its `uniqServerId`, which outlives it, and its incarnation, which does not: every start draws a new one. Claims carry the
 * incarnation. So a restarted server knows its own old work at once, and writes of a process that was declared dead have no effect. Of two live
 * processes with one id, the second is on standby.
 */
export class ServerMembership {
  readonly lease: Lease;
  readonly #pidNamespace = readPidNamespace();
  #incarnation: string | null = null;
  #claims = 0;
  /** Until then a lagging database node may not know our row; by `performance.now()`. Ends with the first renewal. */
  #mayBeUnknownUntil = Number.NEGATIVE_INFINITY;
  #state: ServerState = 'starting';
  #other: IdHolder | null = null;
  #underWay: Promise<MembershipState> | null = null;

  constructor(
    private readonly persister: TemplateEmailBatchServerPersister,
    private readonly settings: Pick<
      MailingSettings,
      'enabledAsTemplateMailServer' | 'server' | 'uniqServerId'
    >,
    private readonly events: MailingEvents,
    private readonly journal: JournalManager,
  ) {
    this.lease = new Lease(settings.server.leaseMs);
  }

  /** Null while this process is not a member. */
  get incarnation(): string | null {
    return this.#incarnation;
  }

  /** The result of the last successful heartbeat. */
  get state(): ServerState {
    return this.#state;
  }

  /** The live process that has our id, while this one is on standby. */
  get other(): IdHolder | null {
    return this.#other;
  }

  /** A token that no claim has ever had. */
  nextClaimToken(): string {
    if (!this.#incarnation) throw new Error('Bug: a claim without membership.');
    return `${this.#incarnation}#${++this.#claims}`;
  }

  /** True if the token was drawn by this incarnation. */
  isMine(claimToken: string | null): boolean {
    return isDrawnBy(claimToken, this.#incarnation);
  }

  /** One heartbeat: registers where needed, renews otherwise. Calls at the same moment share one. */
  heartbeat(): Promise<MembershipState> {
    this.#underWay ??= this.#heartbeat().finally(() => (this.#underWay = null));
    return this.#underWay;
  }

  /** Orderly end: no server has to wait until the lease runs out. */
  async leave(): Promise<void> {
    await this.#underWay?.catch(() => undefined);
    const incarnation = this.#incarnation;
    if (!incarnation) return;
    this.#forget(incarnation);
    await this.persister.deregister(this.settings.uniqServerId, incarnation);
  }

  /**
   * True if a process is dead for certain, whatever its lease says: pids can be compared, and either no process has its pid, or it has our own pid,
   * so that its row is from before a restart. False for a row without a pid namespace, which its process could not read: then only the lease shows
   * it.
   */
  readonly isKnownDead = (server: Comparable): boolean => {
    const isComparable = server.pidNamespace !== null && server.pidNamespace === this.#pidNamespace;
    if (!isComparable || server.hostname !== hostname() || living.has(server.incarnation)) return false;
    return server.pid === process.pid || !isRunning(server.pid);
  };

  async #heartbeat(): Promise<MembershipState> {
    const begun = Lease.moment();
    const incarnation = this.#incarnation;
    if (!incarnation) return this.#register(begun);
    const { uniqServerId } = this.settings;
    const isRenewed = await this.persister.renew(uniqServerId, incarnation);
    // This process left meanwhile: the lease stays revoked, and the missing row does no harm.
    if (this.#incarnation !== incarnation) return 'lost';
    if (isRenewed) {
      this.#mayBeUnknownUntil = Number.NEGATIVE_INFINITY;
      this.lease.confirm(begun);
      return 'member';
    }
    // A database node that lags behind does not know the row yet.
    if (performance.now() < this.#mayBeUnknownUntil)
      throw new DatabaseBehindError(`the row of server ${uniqServerId}`, 'none of this process', false);
    this.events.emit('server:lost', { uniqServerId, incarnation });
    this.#forget(incarnation);
    return 'lost';
  }

  async #register(begun: { monotonic: number; wall: number }): Promise<MembershipState> {
    const { uniqServerId, enabledAsTemplateMailServer: takesBatches } = this.settings;
    const incarnation = randomUUID();
    // Known as living before other servers can see its row.
    living.add(incarnation);
    let other: RegisteredServer | null;
    const place = { hostname: hostname(), pid: process.pid, pidNamespace: this.#pidNamespace };
    const me = { uniqServerId, incarnation, ...place };
    try {
      other = await this.persister.register({ ...me, takesBatches }, this.isKnownDead);
    } catch (error) {
      living.delete(incarnation);
      throw error;
    }
    if (other) {
      living.delete(incarnation);
      this.#standBehind(other);
      return (this.#state = 'standby');
    }
    this.journal.open(me);
    this.#incarnation = incarnation;
    this.#mayBeUnknownUntil = performance.now() + this.settings.server.databaseLagTimeoutMs;
    this.#other = null;
    this.#state = 'member';
    this.lease.confirm(begun);
    this.events.emit('server:registered', { uniqServerId, incarnation });
    return 'member';
  }

  #standBehind({ hostname: host, pid, incarnation }: RegisteredServer): void {
    const isThisProcess = living.has(incarnation);
    this.#other = { host, pid, isThisProcess };
    if (this.#state === 'standby') return;
    this.events.emit('server:standby', {
      uniqServerId: this.settings.uniqServerId,
      otherHost: host,
      otherPid: pid,
      isThisProcess,
      leaseMs: this.settings.server.leaseMs,
    });
  }

  #forget(incarnation: string): void {
    this.#incarnation = null;
    this.#state = 'lost';
    this.lease.revoke();
    // Together with the lease: a process that judges this one dead may read its journal.
    this.journal.close();
    living.delete(incarnation);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process runs, and belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
