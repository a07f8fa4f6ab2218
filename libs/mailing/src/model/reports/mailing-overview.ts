import type { MailingResult } from './mailing-handle.js';
import type { MailingStatus } from '../states/mailing-status.js';
import type { RecipientStatus } from '../states/recipient-status.js';

/** One mailing in a list of them. */
export interface MailingOverview extends MailingResult {
  mailingId: string;
  name: string | null;
  createdAt: Date;
}

/** How many recipients of a mailing are in one state for one reason. */
export interface ReasonCount {
  status: RecipientStatus;
  /** As in `RecipientRecord.errorCode`; null where there is no reason, as for `sent`. */
  code: string | null;
  count: number;
}

/** Which mailings a list contains. */
export interface MailingFilter {
  /** Default: all. */
  status?: MailingStatus;
  /** Mailings created before this one: give the last `mailingId` of the previous page. Default: from the newest on. */
  beforeId?: string;
  /** Default: 100. Bounds: 1 to 1,000. */
  limit?: number;
}
