/**
 * By server id and incarnation: time of the last heartbeat, as its row has it. Compared for equality only: it may be by the clock of another server.
 */
export type Heartbeats = ReadonlyMap<string, number>;

/** A database server, since this process first saw it. */
export interface ServerSight {
  /** The name that it gives itself. */
  readonly server: string;
  /** By `performance.now()`. */
  readonly seenAt: number;
  /** The last heartbeats of other processes, as this server showed them at this process's first heartbeat there; null: there was none yet. */
  firstSeen: Heartbeats | null;
  /** How many other processes had no heartbeat there yet, when this was last checked. */
  numAwaited: number;
  /** This process has reserved its own forgotten commits there. */
  isReserved: boolean;
  /** Slices may be claimed through it: all other processes have reserved theirs too, or their leases have run out. */
  isSettled: boolean;
  /** It was not known before, so the leases that it shows may be out of date. */
  readonly isNew: boolean;
}

/**
 * Knows which database server answers, and whether this process has worked on it before.
 *
 * After a failover the new server may show an older state: slices are free that other processes work on or have worked on, and leases seem to have
 * run out. So on a server that was not known before:
 *
 * - Each process looks for its own forgotten commits before its first heartbeat there, and reserves their slices (`ForgottenCommits.reserve`).
 * - A process claims through it only when every other process has had a heartbeat there, or has been silent for the length of a lease.
 * - Leases are judged there only after the length of a lease.
 *
 * A server is identified by the name that it gives itself, which is read with claims and heartbeats. The first server of a process counts as known:
 * there is nothing to compare it with. After a lost connection only the last settled server is known, because it may just have been restarted. If one
 * address leads to several servers, each becomes known by itself.
 */
export class FailoverWatch {
  readonly #sights = new Map<string, ServerSight>();
  /** The last server that was settled. */
  #last: string | null = null;
  #newest: ServerSight | null = null;

  /** Whether nothing may be claimed yet through the server that was seen last. */
  get isWaiting(): boolean {
    return this.#newest?.isSettled === false;
  }

  /** Call it when the connection to a server was lost. */
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

  /** Servers on which this process has had a heartbeat, and through which nothing may be claimed yet. */
  unsettled(): ServerSight[] {
    return [...this.#sights.values()].filter((one) => !one.isSettled && one.firstSeen !== null);
  }

  /** Whether the rows of this server prove that a lease of this length has run out. */
  judgesLeases(server: string, leaseMs: number): boolean {
    const { isNew, seenAt } = this.observe(server);
    return !isNew || performance.now() - seenAt >= leaseMs;
  }
}
