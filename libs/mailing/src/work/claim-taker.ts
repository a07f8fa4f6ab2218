import type { FaultPoints } from '../model/fault-points.js';
import type { MailingSettings } from '../model/mailing-options.js';
import type { TemplateEmailInfo } from '../model/template-email-info.js';
import type { HeldClaim } from '../store/held-claim.js';
import type { MailingClaims, UnfinishedMailing } from '../store/mailing-claims.js';
import type { DeadBatch } from '../store/statements/find-dead-batches.js';
import type { TemplateEmailBatchPersister } from '../store/template-email-batch.persister.js';
import type { DoubtResolver } from './doubt.resolver.js';
import type { ServerMembership } from './server-membership.js';

/** Obtains the right to work on what is left, in the name of this incarnation. */
export class ClaimTaker {
  constructor(
    private readonly claims: MailingClaims,
    private readonly batches: TemplateEmailBatchPersister,
    private readonly settings: MailingSettings,
    private readonly membership: ServerMembership,
    private readonly doubts: DoubtResolver,
    private readonly faultPoints: FaultPoints,
  ) {}

  /**
   * Claims a mailing that nobody works on, or recovers one whose run is dead: whom its death caught is settled by the
   * policy, and the host's resolver asked, before this returns.
   *
   * @returns null if somebody else was faster, or it is not time yet.
   */
  async take(mailing: UnfinishedMailing, info: TemplateEmailInfo): Promise<HeldClaim | null> {
    const { mailingId, status, claimToken } = mailing;
    const { uniqServerId, inDoubt } = this.settings;
    const token = this.membership.nextClaimToken();
    if (status === 'pending') {
      const claim = await this.claims.claim(mailingId, uniqServerId, token);
      if (claim) this.faultPoints.reach('afterClaimed');
      return claim;
    }
    if (claimToken === null) return null;
    const resend = inDoubt === 'resend';
    return this.#resolved(
      await this.claims.recover(mailingId, uniqServerId, claimToken, token, resend),
      info,
    );
  }

  /** The same for a batch of the dead. @returns null if somebody else was faster. */
  async takeBatch(dead: DeadBatch, info: TemplateEmailInfo): Promise<HeldClaim | null> {
    const { uniqServerId, inDoubt } = this.settings;
    const token = this.membership.nextClaimToken();
    return this.#resolved(await this.batches.recover(dead, uniqServerId, token, inDoubt === 'resend'), info);
  }

  async #resolved(claim: HeldClaim | null, info: TemplateEmailInfo): Promise<HeldClaim | null> {
    if (!claim) return null;
    this.faultPoints.reach('afterRecovered');
    await this.doubts.resolve(claim, info);
    return claim;
  }
}
