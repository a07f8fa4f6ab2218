import type { RecipientStatus } from '../../model/states/recipient-status.js';

/** The two recipient tables, as names of `TableNames`. */
export const SOURCES = ['emailAddress', 'userMailing'] as const;

export type SourceName = (typeof SOURCES)[number];

/** Column that names the recipient. */
export const NAME_COLUMN_OF = { emailAddress: 'email_address', userMailing: 'user_id' } as const;

/** Status of the row of a recipient in flight: `sending`, or `pending` when `next_idx` implies it. */
export type OpenStatus = Extract<RecipientStatus, 'pending' | 'sending'>;

/** Table of a recipient in flight, status of its row, and whether it was deferred before; then its row is `sending`. */
export interface OpenRecipient {
  source: SourceName;
  rowStatus: OpenStatus;
  isRetry: boolean;
}
