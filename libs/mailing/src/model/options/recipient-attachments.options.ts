import type { RecipientAttachment } from '../mail/recipient-attachment.js';
import type { HeaderRecipient } from './header.options.js';

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
