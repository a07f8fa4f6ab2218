import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { Slice } from '../../model/states/slice.js';
import type { BehindSlice, ForgottenCommits, RestoredSlice } from '../../store/recovery/forgotten-commits.js';
import type { MailingDatabase } from '../../store/database/mailing.database.js';
import type { BatchWorker } from '../execution/batch-worker.js';
import type { RunEnd } from '../run/mailing-run.parts.js';
import type { MailingLauncher } from '../execution/mailing-launcher.js';
import type { ServerMembership } from '../servers/server-membership.js';
import type { SliceRunner } from '../execution/slice.runner.js';
import type { TemplateEmailPeriodicService } from '../servers/template-email-periodic.service.js';
import type { Sweep } from './sweep.js';

/** Shortest time between two sweeps for a lag that goes on. */
const MIN_INTERVAL_MS = 1_000;

export interface ForgottenCommitsSweepParts {
  database: MailingDatabase;
  forgotten: ForgottenCommits;
  settings: Pick<MailingSettings, 'uniqServerId'>;
  membership: ServerMembership;
  runner: SliceRunner;
  worker: BatchWorker;
  launcher: MailingLauncher;
  periodic: TemplateEmailPeriodicService;
  events: MailingEvents;
}

/**
 * Writes commits of this process again if the database has forgotten them, for example in a failover, so that their recipients are not sent to again.
 *
 * It sweeps after each heartbeat, and at once when a run finds its own commits gone. If this process remembers all of them, the mailing goes on;
 * otherwise it is paused, so that a person settles the doubt. Until then, claims of the slice are refused (`refuseIfForgotten`).
 */
export class ForgottenCommitsSweep implements Sweep {
  #sweeping: Promise<void> | null = null;
  #isAskedAgain = false;
  #timer: NodeJS.Timeout | null = null;
  #isOver = false;
  readonly #listeners = new Set<(slice: Slice) => void>();

  constructor(private readonly parts: ForgottenCommitsSweepParts) {}

  onApplicationBootstrap(): void {
    this.parts.periodic.addTask(() => this.sweep());
    this.parts.database.commits.onRewound(() => void this.sweep());
  }

  /** @param listener called with each slice that was restored and released, so that it goes on. */
  onReleased(listener: (slice: Slice) => void): void {
    this.#listeners.add(listener);
  }

  /** Sweeps once; a call during a sweep adds one more sweep. Never rejects. */
  sweep(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    this.#isAskedAgain = true;
    this.#sweeping ??= this.#sweep().finally(() => (this.#sweeping = null));
    return this.#sweeping;
  }

  /** Stops sweeping. Resolves when no sweep is running. */
  async stop(): Promise<void> {
    this.#isOver = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#sweeping;
  }

  async #sweep(): Promise<void> {
    while (this.#isAskedAgain) {
      this.#isAskedAgain = false;
      await this.#attempt(async () => {
        // A slice that fails must not block the others.
        for (const behind of await this.parts.forgotten.find())
          await this.#attempt(() => this.#restore(behind));
      });
      this.#sweepAgain();
    }
  }

  async #attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      const { uniqServerId } = this.parts.settings;
      this.parts.events.emit('server:error', { uniqServerId, step: 'restoring forgotten commits', error });
    }
  }

  /** Schedules the next sweep for the moment when a lag has lasted too long. */
  #sweepAgain(): void {
    const { commits } = this.parts.database;
    if (this.#timer || this.#isOver || !commits.idle().some(({ behindSince }) => behindSince !== null))
      return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        void this.sweep();
      },
      Math.max(commits.options.lagTimeoutMs, MIN_INTERVAL_MS),
    ).unref();
  }

  async #restore({ memory, seen }: BehindSlice): Promise<void> {
    const { forgotten, settings, membership, database } = this.parts;
    if (membership.incarnation === null) return;
    const { uniqServerId } = settings;
    const { committed } = memory;
    const claimToken = membership.nextClaimToken();
    const found = await forgotten.restore({ memory, seen, uniqServerId, claimToken });
    if (!found) return;
    database.commits.confirm(memory);
    const end = await this.#release(found);
    // Commits that are restored after too long a lag were never committed: the database has forgotten nothing.
    if (seen.number < committed) this.#tell(found, seen.number, committed);
    await this.#tellEnd(found, end);
    for (const listener of this.#listeners) listener(found.claim);
  }

  /** @returns null if the database failed; the next sweep finds the claim then, and completes a pause. */
  async #release({ claim }: RestoredSlice): Promise<RunEnd | null> {
    let end: RunEnd | null = null;
    await this.#attempt(async () => {
      end = await this.parts.runner.release(claim);
    });
    return end;
  }

  #tell({ claim, restored }: RestoredSlice, seen: number, committed: number): void {
    const { mailingId, batch } = claim;
    this.parts.events.emit('database:rewound', {
      mailingId,
      startIdx: batch?.startIdx ?? null,
      seen,
      committed,
      numRestored: restored.numKnown,
      numInDoubt: restored.numInFlight,
    });
  }

  async #tellEnd({ claim }: RestoredSlice, end: RunEnd | null): Promise<void> {
    const { worker, launcher } = this.parts;
    const { mailingId } = claim;
    if (claim.batch) return worker.tellEnd(mailingId, end?.mailing ?? null);
    if (end !== null && end.status !== 'pending' && end.status !== 'fenced')
      await launcher.tellEnded(mailingId);
  }
}
