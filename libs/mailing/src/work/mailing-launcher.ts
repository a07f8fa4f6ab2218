import { randomUUID } from 'node:crypto';
import type { EmailMessageSender } from '../delivery/email-message.sender.js';
import { MailingDelivery } from '../delivery/mailing.delivery.js';
import type { MailingTemplate, TemplateRenderer } from '../delivery/template.renderer.js';
import type { FaultPoints } from '../model/fault-points.js';
import type { Ledger } from '../model/ledger.js';
import type { MailingEvents } from '../model/mailing-event.js';
import type { MailingResult } from '../model/mailing-handle.js';
import type { MailingSettings } from '../model/mailing-options.js';
import type { ProfileRepository } from '../model/profile.repository.js';
import type { Recipients } from '../model/recipient.js';
import { TemplateEmailRefusal } from '../model/refusal.errors.js';
import type { TemplateEmailInfo } from '../model/template-email-info.js';
import type { HeldClaim, MailingClaims, UnfinishedMailing } from '../store/mailing-claims.js';
import type { MailingDatabase } from '../store/mailing.database.js';
import { MailingLedger } from '../store/mailing.ledger.js';
import type { StoredMailing, TemplateEmailPersister } from '../store/template-email.persister.js';
import { MailingRun } from './mailing-run.js';
import type { MailingRuns } from './mailing-runs.js';
import { MemoryLedger } from './memory.ledger.js';
import type { ServerMembership } from './server-membership.js';

export interface MailingLauncherParts {
  settings: MailingSettings;
  database: MailingDatabase;
  claims: MailingClaims;
  persister: TemplateEmailPersister;
  membership: ServerMembership;
  runs: MailingRuns;
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

/** Obtains the right to a mailing, puts its run together and sees it to its end. */
export class MailingLauncher {
  constructor(private readonly parts: MailingLauncherParts) {}

  /** Works on a persisted mailing: claims it, or recovers it from the dead. Resolves when this process is done with it. */
  launch(mailing: UnfinishedMailing): Promise<MailingResult> {
    return this.parts.runs.start(mailing.mailingId, async (announce) => {
      const ended = await this.#runPersisted(mailing, announce);
      const result = await this.#result(mailing.mailingId);
      if (ended) this.parts.events.emit('run:ended', result);
      return result;
    });
  }

  /** Works on a mailing that is not persisted. */
  async launchUnpersisted(info: TemplateEmailInfo, recipients: Recipients): Promise<MailingResult> {
    const template = await this.parts.renderer.open(info);
    const identity = randomUUID();
    return this.parts.runs.start(identity, async (announce) => {
      const ledger = new MemoryLedger(recipients);
      this.parts.events.emit('run:started', { mailingId: null, numSettled: 0, numProfiles: null });
      const delivery = this.#delivery(identity, info, template);
      const status = await this.#run(null, ledger, delivery, () => true, announce);
      const { num_sent: numSent, num_errors: numErrors, num_skipped: numSkipped } = ledger.counts;
      const counts = { mailingId: null, numSent, numErrors, numSkipped };
      this.parts.events.emit('run:ended', { ...counts, status });
      return { ...counts, status, statusReason: ledger.failure, numProfiles: ledger.numProfiles };
    });
  }

  /** @returns false if nothing was run: somebody else was faster, or the template is gone. */
  async #runPersisted(mailing: UnfinishedMailing, announce: (run: MailingRun) => void): Promise<boolean> {
    const { runs, persister, membership, database } = this.parts;
    if (runs.isStopping || membership.incarnation === null) return false;
    const stored = await persister.readMailing(mailing.mailingId);
    if (!stored) return false;
    const template = await this.#open(stored);
    const claim = await this.#obtain(mailing, template);
    if (!claim) return false;
    const ledger = new MailingLedger(database, claim);
    if (template instanceof TemplateGone) {
      await ledger.beat({ outcomes: [], returned: [], free: 0, remaining: 0, release: true });
      await this.#pause(mailing.mailingId, template.reason);
      return true;
    }
    this.#announceStart(claim);
    const delivery = this.#delivery(mailing.mailingId, stored.info, template);
    // A claim is good for the incarnation that drew it.
    const mayStart = (): boolean => membership.lease.holds() && membership.isMine(claim.claimToken);
    const status = await this.#run(mailing.mailingId, ledger, delivery, mayStart, announce);
    if (status === 'pending') this.parts.faultPoints.reach('afterReleased');
    return true;
  }

  async #open({ info }: StoredMailing): Promise<MailingTemplate | TemplateGone> {
    try {
      return await this.parts.renderer.open(info);
    } catch (error) {
      if (error instanceof TemplateEmailRefusal) return new TemplateGone(`template: ${error.message}`);
      throw error;
    }
  }

  async #obtain(
    { mailingId, status, claimToken }: UnfinishedMailing,
    template: MailingTemplate | TemplateGone,
  ): Promise<HeldClaim | null> {
    const { claims, settings, membership, faultPoints } = this.parts;
    if (status === 'pending') {
      // Nobody's work yet: without its template it need not be claimed to be parked.
      if (template instanceof TemplateGone) {
        await this.#pause(mailingId, template.reason);
        return null;
      }
      const claim = await claims.claim(mailingId, settings.uniqServerId, membership.nextClaimToken());
      if (claim) faultPoints.reach('afterClaimed');
      return claim;
    }
    if (claimToken === null) return null;
    const { uniqServerId, inDoubt } = settings;
    const claim = await claims.recover(
      mailingId,
      uniqServerId,
      claimToken,
      membership.nextClaimToken(),
      inDoubt,
    );
    if (claim) faultPoints.reach('afterRecovered');
    return claim;
  }

  async #pause(mailingId: string, reason: string): Promise<void> {
    if (await this.parts.persister.pausePending(mailingId, reason)) {
      this.parts.events.emit('mailing:paused', { mailingId, reason });
    }
  }

  #announceStart({ mailingId, numSettled, numProfiles, numCaught }: HeldClaim): void {
    if (numCaught === null) this.parts.events.emit('run:started', { mailingId, numSettled, numProfiles });
    else {
      const resent = this.parts.settings.inDoubt === 'resend';
      const facts = { mailingId, numSettled, numProfiles, numInDoubt: numCaught, resent };
      this.parts.events.emit('run:recovered', facts);
    }
  }

  #delivery(identity: string, info: TemplateEmailInfo, template: MailingTemplate): MailingDelivery {
    const { sender, settings, profiles } = this.parts;
    const { messageTimeoutMs } = settings.run;
    return new MailingDelivery(identity, info, template, { sender, profiles: profiles(), messageTimeoutMs });
  }

  async #run(
    mailingId: string | null,
    ledger: Ledger,
    delivery: MailingDelivery,
    mayStart: () => boolean,
    announce: (run: MailingRun) => void,
  ): Promise<MailingResult['status']> {
    const { settings, events, faultPoints } = this.parts;
    const run = new MailingRun({
      mailingId,
      ledger,
      delivery,
      options: settings.run,
      mayStart,
      events,
      faultPoints,
    });
    announce(run);
    try {
      const end = await run.run();
      return end === 'lost' ? 'in_progress' : end;
    } catch (error) {
      events.emit('run:failed', { mailingId, error });
      return mailingId === null ? 'failed' : 'in_progress';
    }
  }

  async #result(mailingId: string): Promise<MailingResult> {
    const result = await this.parts.persister.readResult(mailingId);
    if (!result)
      throw new Error(`The mailing ${mailingId} was removed from the database while it was being sent.`);
    return result;
  }
}
