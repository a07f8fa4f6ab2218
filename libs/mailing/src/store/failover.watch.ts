/** A database server, from the moment on when this process first saw it. */
export interface ServerSight {
  /** As it calls itself. */
  readonly server: string;
  /** By `performance.now()`. */
  readonly seenAt: number;
  /** By its own clock, in milliseconds since 1970, of the first heartbeat on it; null: there was none yet. */
  firstHeartbeatAt: number | null;
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
  #last: string | null = null;

  /** The connection to a server was lost. */
  noteBreak(): void {
    this.#sights.clear();
  }

  see(server: string): ServerSight {
    const known = this.#sights.get(server);
    if (known) return known;
    const isKnown = this.#last === null || this.#last === server;
    this.#last ??= server;
    const sight: ServerSight = {
      server,
      seenAt: performance.now(),
      firstHeartbeatAt: null,
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
    return [...this.#sights.values()].filter((one) => !one.isSettled && one.firstHeartbeatAt !== null);
  }

  /** Whether a lease of this length that seems to have run out there has done so. */
  judgesLeases(server: string, leaseMs: number): boolean {
    const { isNew, seenAt } = this.see(server);
    return !isNew || performance.now() - seenAt >= leaseMs;
  }
}
