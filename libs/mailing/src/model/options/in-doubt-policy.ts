/**
 * What happens to recipients whose message may have been handed over and whose answer is not known. After a crash, all three apply.
 * `resend` also applies during a run, after a lost connection or `run.messageTimeoutMs`.
 */
export type InDoubtPolicy =
  /** Record the recipient as in doubt; never send a second copy. */
  | 'leave'
  /** Send again: at least once, possibly twice. */
  | 'resend'
  /** Call a function of the host, which may be able to ask the mail provider. */
  | InDoubtResolver;

/** A recipient for which the plugin can't know whether the message arrived. */
export interface DoubtfulRecipient {
  mailingId: string;
  idx: number;
  /** Set for plain addresses. */
  email: string | null;
  /** Set for profiles. */
  userId: string | null;
  /** `Message-ID` of the message, with angle brackets; the key for a query to the provider. */
  messageId: string;
}

/** `sent`: the message is known to have arrived. `resend`: it is known not to have arrived. `leave`: not known; the recipient stays in doubt. */
export type InDoubtVerdict = 'sent' | 'resend' | 'leave';

/**
 * Called at recovery, before the first new message, with at most `maxInDoubt` recipients at a time. Returns one verdict for each, in the
 * same order. If it rejects, does not answer within `run.hostCallTimeoutMs` or answers anything else, the recipients stay in doubt and the
 * event `in-doubt:unresolved` is emitted. It may be called twice for the same recipient.
 */
export type InDoubtResolver = (
  recipients: DoubtfulRecipient[],
) => InDoubtVerdict[] | Promise<InDoubtVerdict[]>;
