import type { RecipientStatus } from '../../model/states/recipient-status.js';

/** The two recipient tables, as names of `TableNames`. */
export const RECIPIENT_TABLES = ['emailAddress', 'userMailing'] as const;

export type RecipientTable = (typeof RECIPIENT_TABLES)[number];

/** Column that names the recipient. */
export const NAME_COLUMN_OF = { emailAddress: 'email_address', userMailing: 'user_id' } as const;

/** Status of the row of a recipient in flight: `sending`, or `pending` when `next_idx` implies it. */
export type OpenStatus = Extract<RecipientStatus, 'pending' | 'sending'>;

/** Table of a recipient in flight, status of its row, and whether it was deferred before; then its row is `sending`. */
export interface OpenRecipient {
  source: RecipientTable;
  rowStatus: OpenStatus;
  isRetry: boolean;
}
