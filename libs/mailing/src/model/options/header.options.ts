import type { EnvelopeRecipient } from './envelope.options.js';

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
