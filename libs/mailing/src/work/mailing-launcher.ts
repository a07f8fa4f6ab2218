import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { EmailMessageSender } from '../delivery/email-message.sender.js';
import { MailingDelivery } from '../delivery/mailing.delivery.js';
import type { MailingTemplate, TemplateRenderer } from '../delivery/template.renderer.js';
import type { FaultPoints } from '../model/fault-points.js';
import type { Ledger } from '../model/ledger.js';
import type { MailingEvents } from '../model/mailing-event.js';
import type { MailingResult } from '../model/mailing-handle.js';
import type { MailingSettings } from '../model/mailing-options.js';
import { ENDED_STATUSES, PAUSE_REASONS } from '../model/mailing-status.js';
import type { ProfileRepository } from '../model/profile.repository.js';
import type { Recipients } from '../model/recipient.js';
import { TemplateEmailRefusal } from '../model/refusal.errors.js';
import type { TemplateEmailInfo } from '../model/template-email-info.js';
import type { HeldClaim, UnfinishedMailing } from '../store/mailing-claims.js';
import type { MailingDatabase } from '../store/mailing.database.js';
import { MailingLedger } from '../store/mailing.ledger.js';
import type { MailingReader } from '../store/mailing.reader.js';
import type { TemplateEmailPersister } from '../store/template-email.persister.js';
import type { ClaimTaker } from './claim-taker.js';
import { ErrorGuard } from './error-guard.js';
import { MailingRun } from './mailing-run.js';
import type { RunEnd } from './mailing-run.parts.js';
import type { MailingRuns, Place } from './mailing-runs.js';
import { MemoryLedger } from './memory.ledger.js';
import type { RateLimiter } from './rate-limiter.js';
import type { ServerMembership } from './server-membership.js';

export interface MailingLauncherParts {
  settings: MailingSettings;
  database: MailingDatabase;
  claims: ClaimTaker;
  persister: TemplateEmailPersister;
  reader: MailingReader;
  membership: ServerMembership;
  runs: MailingRuns;
  limiter: RateLimiter;
  renderer: TemplateRenderer;
  sender: EmailMessageSender;
  /** Known once the application has been put together. */
  profiles: () => ProfileRepository | null;
  events: MailingEvents;
  faultPoints: FaultPoints;
}

/** A template that can't be opened, in words for `status_reason`. */
class TemplateGone {
  constructor(readonly reason: string) {}
}

const QUIET = { outcomes: [], deferred: [], returned: [], free: 0, remaining: 0 };

/** Obtains the right to a mailing, puts its run together and sees it to its end. */
export class MailingLauncher {
  constructor(private readonly parts: MailingLauncherParts) {}

  /** Works on a persisted mailing: claims it, or recovers it from the dead. Resolves when this process is done with it. */
  launch(mailing: UnfinishedMailing): Promise<MailingResult> {
    const { mailingId, status } = mailing;
    const work = async (place: Place): Promise<MailingResult> => {
      let end = await this.#work(mailing, place);
      let result = await this.#result(mailingId);
      const wasRun = end !== null;
      // Handed back, or resumed at the very moment it was paused: it goes on at once.
      while (end !== null && result.status === 'pending' && !this.parts.runs.isStopping) {
        end = await this.#work({ mailingId, status: 'pending', claimToken: null }, place);
        result = await this.#result(mailingId);
      }
      if (wasRun) this.parts.events.emit('run:ended', result);
      return result;
    };
    // What somebody asked for needs no place: nothing is sent for it.
    return this.parts.runs.start(mailingId, work, status !== 'pausing' && status !== 'canceling');
  }

  /** Resolves when nobody works on the mailing any more, wherever that is, or this process stops. */
  async follow(mailingId: string): Promise<MailingResult> {
    const { runs, settings } = this.parts;
    for (;;) {
      const result = await (runs.find(mailingId) ?? this.#result(mailingId));
      // A mailing that is overdue waits for a person, as a paused one does.
      const isWaiting =
        result.status === 'paused' || (result.status === 'pending' && result.statusReason !== null);
      const isOver = isWaiting || ENDED_STATUSES.some((status) => status === result.status);
      if (isOver || runs.isStopping) return result;
      const wait = { ref: false, signal: runs.stopSignal };
      await delay(settings.server.heartbeatMs, undefined, wait).catch(() => undefined);
    }
  }

  /** Works on a mailing that is not persisted. */
  async launchUnpersisted(info: TemplateEmailInfo, recipients: Recipients): Promise<MailingResult> {
    const { renderer, runs, events } = this.parts;
    const template = await renderer.open(info);
    const identity = randomUUID();
    return runs.start(identity, async (place) => {
      const ledger = new MemoryLedger(recipients);
      events.emit('run:started', { mailingId: null, numSettled: 0, numProfiles: null });
      const delivery = this.#delivery(identity, info, template);
      const run = this.#newRun(null, ledger, delivery, () => true, 0, place);
      place.announce(run);
      const end = await this.#untilEnd(null, run);
      const status = end === 'lost' || end === 'stalled' ? 'failed' : end;
      const { num_sent: numSent, num_errors: numErrors, num_skipped: numSkipped } = ledger.counts;
      const counts = { mailingId: null, numSent, numErrors, numSkipped };
      events.emit('run:ended', { ...counts, status });
      return { ...counts, status, statusReason: ledger.failure, numProfiles: ledger.numProfiles };
    });
  }

  /** @returns null if nothing was run: somebody else was faster, it is not time yet, or the template is gone. */
  async #work(mailing: UnfinishedMailing, place: Place): Promise<RunEnd | null> {
    const { runs, persister, membership, claims } = this.parts;
    const { mailingId, status } = mailing;
    if (runs.isStopping || membership.incarnation === null) return null;
    const stored = await persister.readMailing(mailingId);
    if (!stored) return null;
    if (status === 'pausing' || status === 'canceling') {
      const claim = await claims.take(mailing, stored.info);
      return claim && this.#giveBack(claim);
    }
    const template = await this.#open(stored.info);
    if (template instanceof TemplateGone) return this.#park(mailing, stored.info, template);
    const claim = await claims.take(mailing, stored.info);
    if (!claim) return null;
    this.#announceStart(claim);
    const delivery = this.#delivery(mailingId, stored.info, template);
    // A claim is good for the incarnation that drew it.
    const mayStart = (): boolean => membership.lease.holds() && membership.isMine(claim.claimToken);
    const ledger = new MailingLedger(this.parts.database, claim);
    const run = this.#newRun(mailingId, ledger, delivery, mayStart, claim.numTried, place);
    return this.#see(claim, run, place);
  }

  async #see({ mailingId, claimToken }: HeldClaim, run: MailingRun, place: Place): Promise<RunEnd> {
    place.announce(run);
    // This process was declared dead while the claim was being committed: nobody would tell the run any more.
    if (!this.parts.membership.isMine(claimToken)) run.lose();
    const end = await this.#untilEnd(mailingId, run);
    if (end === 'completed') this.parts.faultPoints.reach('afterCompleted');
    if (end === 'pending') this.parts.faultPoints.reach('afterReleased');
    if (end === 'paused') await this.#tellWhyPaused(mailingId);
    return end;
  }

  async #untilEnd(mailingId: string | null, run: MailingRun): Promise<RunEnd> {
    try {
      return await run.run();
    } catch (error) {
      // Whatever it was, nothing more may be begun for a mailing that is about to be recovered.
      run.lose();
      this.parts.events.emit('run:failed', { mailingId, error });
      return 'lost';
    }
  }

  async #open(info: TemplateEmailInfo): Promise<MailingTemplate | TemplateGone> {
    try {
      return await this.parts.renderer.open(info);
    } catch (error) {
      if (!(error instanceof TemplateEmailRefusal)) throw error;
      return new TemplateGone(`${PAUSE_REASONS.template}: ${error.message}`);
    }
  }

  /** Without its template a mailing is parked; whom a dead run caught is settled before. */
  async #park(
    mailing: UnfinishedMailing,
    info: TemplateEmailInfo,
    gone: TemplateGone,
  ): Promise<RunEnd | null> {
    const { claims, persister, events } = this.parts;
    const { mailingId } = mailing;
    // Nobody's work yet: it need not be claimed.
    const claim = mailing.status === 'pending' ? null : await claims.take(mailing, info);
    if (claim) await this.#giveBack(claim);
    if (!(await persister.pausePending(mailingId, gone.reason))) return null;
    events.emit('mailing:paused', { mailingId, reason: gone.reason });
    return claim && 'paused';
  }

  /** Carries out what stands in the row, without sending anything. */
  async #giveBack(claim: HeldClaim): Promise<RunEnd> {
    const ledger = new MailingLedger(this.parts.database, claim);
    const answer = await ledger.beat({ ...QUIET, release: { kind: 'stop' } });
    return answer.kind === 'ended' ? answer.status : 'lost';
  }

  /** A pause that somebody asked for is no news to him. */
  async #tellWhyPaused(mailingId: string): Promise<void> {
    const { statusReason: reason } = await this.#result(mailingId);
    if (reason && reason !== PAUSE_REASONS.request)
      this.parts.events.emit('mailing:paused', { mailingId, reason });
  }

  #announceStart({ mailingId, numSettled, numProfiles, caught }: HeldClaim): void {
    const { events, settings } = this.parts;
    if (caught === null) {
      events.emit('run:started', { mailingId, numSettled, numProfiles });
      return;
    }
    const resent = settings.inDoubt === 'resend';
    const facts = { mailingId, numSettled, numProfiles, numInDoubt: caught.numCaught, resent };
    events.emit('run:recovered', facts);
  }

  #delivery(identity: string, info: TemplateEmailInfo, template: MailingTemplate): MailingDelivery {
    const { sender, settings, profiles, faultPoints } = this.parts;
    const { messageTimeoutMs } = settings.run;
    return new MailingDelivery(identity, info, template, {
      sender,
      profiles: profiles(),
      messageTimeoutMs,
      faultPoints,
    });
  }

  #newRun(
    mailingId: string | null,
    ledger: Ledger,
    delivery: MailingDelivery,
    mayStart: () => boolean,
    numTried: number,
    place: Place,
  ): MailingRun {
    const { settings, limiter, events, faultPoints } = this.parts;
    return new MailingRun({
      mailingId,
      ledger,
      delivery,
      options: settings.run,
      retry: settings.retry,
      resendsDoubt: settings.inDoubt === 'resend',
      guard: new ErrorGuard(settings.errorGuard, numTried),
      limiter,
      mayStart,
      place,
      events,
      faultPoints,
    });
  }

  async #result(mailingId: string): Promise<MailingResult> {
    const result = await this.parts.reader.result(mailingId);
    if (!result)
      throw new Error(`The mailing ${mailingId} was removed from the database while it was being sent.`);
    return result;
  }
}
