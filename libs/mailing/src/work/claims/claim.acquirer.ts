import type { FaultPoints } from '../../model/ports/fault-points.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type { HeldClaim } from '../../store/ledger/held-claim.js';
import type { MailingClaims } from '../../store/claims/mailing-claims.js';
import type { UnfinishedMailing } from '../../store/claims/find-unfinished.js';
import type { DeadBatch } from '../../store/claims/find-dead-batches.js';
import type { TemplateEmailBatchPersister } from '../../store/claims/template-email-batch.persister.js';
import type { FencedRuns } from './fenced.runs.js';
import type { JournalRecovery } from './journal.recovery.js';
import type { InDoubtDecision } from './in-doubt.decision.js';
import type { ProfileRecorder } from '../recipients/profile.recorder.js';
import type { ServerMembership } from '../servers/server-membership.js';
import type { Recovery } from '../../store/claims/recover-claim.js';

export interface ClaimAcquirerParts {
  settings: Pick<MailingSettings, 'inDoubt' | 'uniqServerId'>;
  claims: MailingClaims;
  batches: TemplateEmailBatchPersister;
  membership: ServerMembership;
  doubts: InDoubtDecision;
  fencedRuns: Pick<FencedRuns, 'evidenceOf'>;
  journals: JournalRecovery;
  recorder: Pick<ProfileRecorder, 'noteMailed'>;
  faultPoints: FaultPoints;
}

/** Claims mailings and batches in the name of this incarnation. */
export class ClaimAcquirer {
  constructor(private readonly parts: ClaimAcquirerParts) {}

  /**
   * Claims a mailing that no server works on, or recovers one whose run is dead. A recovery settles the recipients that were in flight by the policy,
   * and asks the host's resolver, before this returns.
   *
   * @returns null if another server was faster, the mailing is not due yet, or this process is not a member any more.
   */
  async take(mailing: UnfinishedMailing, info: TemplateEmailInfo): Promise<HeldClaim | null> {
    const { mailingId, status, claimToken } = mailing;
    const { claims, settings, membership, faultPoints } = this.parts;
    const { uniqServerId } = settings;
    // The membership may have been lost since the caller checked it, because the caller reads the mailing in between.
    if (membership.incarnation === null) return null;
    const token = membership.nextClaimToken();
    if (status === 'pending') {
      const claim = await claims.claim(mailingId, uniqServerId, token);
      if (claim) faultPoints.reach('afterClaimed');
      return claim;
    }
    if (claimToken === null) return null;
    const how = await this.#recovery(claimToken);
    return this.#resolved(await claims.recover(mailingId, uniqServerId, claimToken, token, how), info);
  }

  /** Recovers a batch of a dead server, as `take` does for a mailing. @returns null if another server was faster. */
  async takeBatch(dead: DeadBatch, info: TemplateEmailInfo): Promise<HeldClaim | null> {
    const { batches, settings, membership } = this.parts;
    const { uniqServerId } = settings;
    const token = membership.nextClaimToken();
    const how = await this.#recovery(dead.claimToken);
    return this.#resolved(await batches.recover(dead, uniqServerId, token, how), info);
  }

  async #recovery(deadToken: string): Promise<Recovery> {
    const { fencedRuns, journals, settings } = this.parts;
    const evidence = fencedRuns.evidenceOf(deadToken) ?? (await journals.read(deadToken));
    return { resend: settings.inDoubt === 'resend', evidence };
  }

  async #resolved(claim: HeldClaim | null, info: TemplateEmailInfo): Promise<HeldClaim | null> {
    if (!claim) return null;
    const { faultPoints, recorder, doubts } = this.parts;
    faultPoints.reach('afterRecovered');
    if (claim.inFlight && info.messageTo === undefined) await recorder.noteMailed(claim.inFlight.mailed);
    await doubts.resolve(claim, info);
    return claim;
  }
}
