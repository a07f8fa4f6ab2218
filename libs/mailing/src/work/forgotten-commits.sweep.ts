import type { OnApplicationBootstrap } from '@nestjs/common';
import type { MailingEvents } from '../model/mailing-event.js';
import type { MailingSettings } from '../model/mailing-options.js';
import { PAUSE_REASONS } from '../model/mailing-status.js';
import type { Release } from '../model/ledger.js';
import type { BehindSlice, ForgottenCommits, RestoredSlice } from '../store/forgotten-commits.js';
import type { MailingDatabase } from '../store/mailing.database.js';
import type { BatchWorker } from './batch-worker.js';
import type { ServerMembership } from './server-membership.js';
import type { SliceRunner } from './slice.runner.js';
import type { TemplateEmailPeriodicService } from './template-email-periodic.service.js';

export interface ForgottenCommitsSweepParts {
  database: MailingDatabase;
  forgotten: ForgottenCommits;
  settings: MailingSettings;
  membership: ServerMembership;
  runner: SliceRunner;
  worker: BatchWorker;
  periodic: TemplateEmailPeriodicService;
  events: MailingEvents;
}

/**
 * Writes commits of this process again that the database has forgotten, as after a failover that lost them, so that no recipient of them is
 * sent to again.
 *
 * It looks after each heartbeat, and at once when a run has found its own commits gone. Where all commits are remembered the mailing goes on;
 * otherwise it is paused for a person to look at those in doubt. A claim is refused meanwhile (`standing`).
 */
export class ForgottenCommitsSweep implements OnApplicationBootstrap {
  #looking: Promise<void> | null = null;
  #isAskedAgain = false;
  #timer: NodeJS.Timeout | null = null;
  #isOver = false;

  constructor(private readonly parts: ForgottenCommitsSweepParts) {}

  onApplicationBootstrap(): void {
    this.parts.periodic.addDuty(() => this.look());
    this.parts.database.commits.onGoneBack(() => void this.look());
  }

  /** Looks once; a call during a look makes it look once more. Never rejects. */
  look(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    this.#isAskedAgain = true;
    this.#looking ??= this.#look().finally(() => (this.#looking = null));
    return this.#looking;
  }

  /** Ends it. Resolves when no look is under way. */
  async stop(): Promise<void> {
    this.#isOver = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    while (this.#isAskedAgain) {
      this.#isAskedAgain = false;
      try {
        for (const behind of await this.parts.forgotten.find()) await this.#restore(behind);
        this.#lookAgain();
      } catch (error) {
        const { uniqServerId } = this.parts.settings;
        this.parts.events.emit('server:trouble', {
          uniqServerId,
          step: 'restoring forgotten commits',
          error,
        });
      }
    }
  }

  /** As soon as a lag has lasted too long. */
  #lookAgain(): void {
    const { commits } = this.parts.database;
    if (this.#timer || this.#isOver || !commits.idle().some(({ behindSince }) => behindSince !== null))
      return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.look();
    }, commits.options.lagTimeoutMs).unref();
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
    // What is restored after a lag that was too long was never committed: the database has forgotten nothing.
    if (seen.number < committed) this.#tell(found, seen.number, committed);
    await this.#giveBack(found);
  }

  #tell({ claim, restored }: RestoredSlice, seen: number, committed: number): void {
    const { mailingId, batch } = claim;
    this.parts.events.emit('database:went-back', {
      mailingId,
      startIdx: batch?.startIdx ?? null,
      seen,
      committed,
      numRestored: restored.numKnown,
      numInDoubt: restored.numCaught,
    });
  }

  async #giveBack({ claim, restored }: RestoredSlice): Promise<void> {
    const { runner, worker, events } = this.parts;
    const { mailingId } = claim;
    const release = releaseOf(restored);
    const end = await runner.giveBack(claim, release);
    if (claim.batch) return worker.tellEnd(mailingId, end.mailing);
    if (release.kind === 'pause' && end.status === 'paused')
      events.emit('mailing:paused', { mailingId, reason: release.reason });
  }
}

function releaseOf({ numCaught, numKnown }: RestoredSlice['restored']): Release {
  if (numCaught === 0) return { kind: 'stop' };
  const facts =
    `${numKnown} recipients whose outcome was forgotten are recorded again, ${numCaught} are in doubt. ` +
    'Settle them, and resume the mailing';
  return { kind: 'pause', reason: `${PAUSE_REASONS.wentBack}: ${facts}` };
}
