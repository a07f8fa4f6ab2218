/** By server id and incarnation: the moment of the last one, as the row has it. Compared for equality alone: it may be by the clock of another server. */
export type Heartbeats = ReadonlyMap<string, number>;

/** A database server, from the moment on when this process first saw it. */
export interface ServerSight {
  /** As it calls itself. */
  readonly server: string;
  /** By `performance.now()`. */
  readonly seenAt: number;
  /** The last heartbeats of other processes, as it showed them at the first one of this process; null: there was none yet. */
  firstSeen: Heartbeats | null;
  /** Other processes that had no heartbeat there yet, when it was looked last. */
  numAwaited: number;
  /** This process has taken care of its own forgotten commits there. */
  isReserved: boolean;
  /** All other processes have, too: slices may be claimed through it. */
  isSettled: boolean;
  /** What it shows of leases may be older than the leases are. */
  readonly isNew: boolean;
}

/**
 * Knows which database server answers, and whether that is the one on which this process has worked before.
 *
 * After a failover the new server may show an older state: slices are free that other processes work on or have worked on, and leases seem to have
 * run out. So, where a server was not known before:
 *
 * - Each process looks for its own forgotten commits before its first heartbeat there, and reserves their slices (`ForgottenCommits.reserve`).
 * - A process claims through it only when every other process has had a heartbeat there, or has been silent for the length of a lease.
 * - Leases are judged there only after the length of a lease.
 *
 * A server is known by its own name for itself, which comes with claims and heartbeats. The first one of a process counts as known: there is
 * nothing to compare it with. After a lost connection only the last server is known, because it may just have been restarted. Behind an
 * address that leads to several servers each becomes known by itself.
 */
export class FailoverWatch {
  readonly #sights = new Map<string, ServerSight>();
  /** The last one that was settled. */
  #last: string | null = null;
  #newest: ServerSight | null = null;

  /** Whether the server that was seen last is one through which nothing is claimed yet. */
  get isWaiting(): boolean {
    return this.#newest?.isSettled === false;
  }

  /** The connection to a server was lost. */
  noteBreak(): void {
    this.#sights.clear();
    this.#newest = null;
  }

  observe(server: string): ServerSight {
    return (this.#newest = this.#sights.get(server) ?? this.#firstSight(server));
  }

  #firstSight(server: string): ServerSight {
    const isKnown = this.#last === null || this.#last === server;
    this.#last ??= server;
    const sight: ServerSight = {
      server,
      seenAt: performance.now(),
      firstSeen: null,
      numAwaited: 0,
      isReserved: isKnown,
      isSettled: isKnown,
      isNew: !isKnown,
    };
    this.#sights.set(server, sight);
    return sight;
  }

  settle(sight: ServerSight): void {
    sight.isSettled = true;
    this.#last = sight.server;
  }

  /** Servers on which a heartbeat was made, and through which nothing is claimed yet. */
  unsettled(): ServerSight[] {
    return [...this.#sights.values()].filter((one) => !one.isSettled && one.firstSeen !== null);
  }

  /** Whether a lease of this length that seems to have run out there has done so. */
  judgesLeases(server: string, leaseMs: number): boolean {
    const { isNew, seenAt } = this.observe(server);
    return !isNew || performance.now() - seenAt >= leaseMs;
  }
}
