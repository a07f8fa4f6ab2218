/** What recovery does with recipients that a crash caught between hand-over and answer. */
export type InDoubtPolicy =
  /** Record the doubt, never send a second copy. */
  | 'leave'
  /** Send again: at least once, possibly twice. */
  | 'resend'
  /** Asks the host, who may be able to ask the provider. */
  | InDoubtResolver;

/** A recipient for which the plugin can not know whether the message arrived. */
export interface DoubtfulRecipient {
  mailingId: string;
  idx: number;
  /** Set for plain addresses. */
  email: string | null;
  /** Set for profiles. */
  userId: string | null;
  /** Of the message in question, with angle brackets; the key to ask a provider by. */
  messageId: string;
}

/** `sent`: it is known to have arrived. `resend`: it is known not to have. `leave`: it is not known; the doubt stays on record. */
export type InDoubtVerdict = 'sent' | 'resend' | 'leave';

/**
 * Asked at recovery, before the first new message, with at most `maxInDoubt` recipients at a time; one verdict each, in
 * the same order. Where it rejects, does not answer within `run.hostCallTimeoutMs` or answers anything else, the doubt stays on
 * record and the event `in-doubt:unresolved` says so. It may be asked twice for the same recipient.
 */
export type InDoubtResolver = (
  recipients: DoubtfulRecipient[],
) => InDoubtVerdict[] | Promise<InDoubtVerdict[]>;
