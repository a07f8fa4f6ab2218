import type { RecipientAttachment } from '../mail/recipient-attachment.js';

/** The recipient that an envelope sender is asked for. */
export interface EnvelopeRecipient {
  /** Null for a mailing that is not persisted. */
  mailingId: string | null;
  idx: number;
  /** `local@domain`, the domain in ASCII. */
  email: string;
  /** Set for profiles. */
  userId?: string;
}

/** Makes the envelope sender of one recipient's message: one address without a name; null for that of `from`. Not async. */
export type EnvelopeFrom = (recipient: EnvelopeRecipient) => string | null;

/** The recipient that further headers are asked for. */
export interface HeaderRecipient extends EnvelopeRecipient {
  /** `name` of the mailing; null: it has none. */
  mailingName: string | null;
  /** As in the info of the mailing. */
  trackingData: Readonly<Record<string, string>>;
}

/**
 * Makes further headers of one recipient's message: values by name, with the bounds of `headers` in the info; an empty value, or null for all: none.
 * Not async.
 */
export type MessageHeadersOf = (recipient: HeaderRecipient) => Record<string, string> | null | undefined;

/**
 * Makes the files that one recipient gets beside those of the mailing; null or an empty array: none. It is called for each attempt, on whatever server
 * sends the message, when the message is made, and awaited for at most `run.hostCallTimeoutMs`.
 *
 * @throws AttachmentSourceDownError if it can't answer for any recipient now: the recipient is tried again later, as after a temporary refusal of the
 * mail server (`retry`). The same holds if it does not answer in time. Whatever else it throws, or returns beyond the bounds, ends this recipient as
 * `error: attachments`.
 */
export type RecipientAttachmentsOf = (
  recipient: HeaderRecipient,
) =>
  | readonly RecipientAttachment[]
  | null
  | undefined
  | PromiseLike<readonly RecipientAttachment[] | null | undefined>;
