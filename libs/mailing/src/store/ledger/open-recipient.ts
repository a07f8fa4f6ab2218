import type { RecipientStatus } from '../../model/states/recipient-status.js';

/** The two recipient tables, as names of `TableNames`. */
export const SOURCES = ['emailAddress', 'userMailing'] as const;

export type SourceName = (typeof SOURCES)[number];

/** What the row of somebody under way says: that he is, or nothing, and the books say it for him. */
export type OpenStatus = Extract<RecipientStatus, 'pending' | 'sending'>;

/** Where an open recipient lies, what its row says, and whether it was deferred before; those say `sending`. */
export interface OpenRecipient {
  source: SourceName;
  rowStatus: OpenStatus;
  isRetry: boolean;
}
