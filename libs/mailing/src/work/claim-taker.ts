import { MessageIdentity } from '../delivery/message-identity.js';
import type { FaultPoints } from '../model/fault-points.js';
import type { MailingSettings } from '../model/mailing-options.js';
import type { TemplateEmailInfo } from '../model/template-email-info.js';
import type { HeldClaim, MailingClaims, UnfinishedMailing } from '../store/mailing-claims.js';
import type { DoubtResolver } from './doubt.resolver.js';
import type { ServerMembership } from './server-membership.js';

/** Obtains the right to work on a mailing, in the name of this incarnation. */
export class ClaimTaker {
  constructor(
    private readonly claims: MailingClaims,
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
    const claim = await this.claims.recover(mailingId, uniqServerId, claimToken, token, resend);
    if (!claim) return null;
    this.faultPoints.reach('afterRecovered');
    await this.doubts.resolve(claim, new MessageIdentity(mailingId, info.from));
    return claim;
  }
}
