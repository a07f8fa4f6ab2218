/** The life of one recipient of one mailing. */
export type RecipientStatus =
  /** Not begun, handed back untouched, or in flight at a first attempt (see `sending`). */
  | 'pending'
  /**
   * The intent to send is committed; the message may be on its way. A recipient that is in flight at a crash is in this state. Few rows say
   * so. Invariant: every `pending` row with idx < `next_idx` of its mailing or batch is in flight at a first attempt. `MailingQuery`
   * reports it as `sending`.
   */
  | 'sending'
  /** Refused for now; waits for its next attempt in `dps_mail_deferred` while later recipients overtake it. */
  | 'deferred'
  /** Settled: the mail server accepted the message. */
  | 'sent'
  /** Settled: refused, with code and text. */
  | 'error'
  /** Settled: never handed over, with the reason. */
  | 'skipped'
  /** Settled: handed over, and it can't be known whether it was accepted. Counted as an error, listed by one call. */
  | 'in_doubt';

/** The final states of a recipient. Each counts in exactly one counter of its mailing. */
export type SettledStatus = Extract<RecipientStatus, 'sent' | 'error' | 'skipped' | 'in_doubt'>;

/** The counter of `dps_mailing` that a settled recipient is added to. */
export const COUNTER_OF: Record<SettledStatus, 'num_sent' | 'num_errors' | 'num_skipped'> = {
  sent: 'num_sent',
  error: 'num_errors',
  skipped: 'num_skipped',
  in_doubt: 'num_errors',
};

/** As the tables declare them, in the order of a life. Add a new one at the end: the rows hold its number. */
export const RECIPIENT_STATUSES: RecipientStatus[] = [
  'pending',
  'sending',
  'deferred',
  'sent',
  'error',
  'skipped',
  'in_doubt',
];

/**
 * Every transition between two states, with its reason. The `WHERE` of each update enforces it. At a first attempt, it names a row that is
 * `pending`, behind a fence that only the claim holder passes.
 */
export const RECIPIENT_TRANSITIONS: Record<RecipientStatus, Partial<Record<RecipientStatus, string>>> = {
  pending: { sending: 'a commit committed the intent' },
  deferred: { sending: 'its next attempt is due, and a commit committed the intent' },
  sending: {
    sent: 'the mail server answered 250',
    error: 'the mail server refused it, or it could not be rendered',
    skipped: 'the recipient may not or can not be mailed',
    in_doubt: 'a crash, a lost connection or a deadline hit between hand-over and answer',
    pending: 'handed back, because nothing was handed over, or by policy resend after a crash',
    deferred:
      'the mail server refused it for now, or one at a further attempt was handed back, or is sent again by policy resend',
  },
  error: { deferred: 'a person asks to try those with errors again' },
  in_doubt: {
    deferred:
      'a person or the resolver of the host asks to send it again, or the process of a lost claim knows that it was never handed over',
    sent: 'a person or the resolver of the host knows that it arrived, or its answer could be written only after the claim was lost',
    error: 'a person knows that it did not arrive, and leaves it at that',
  },
  skipped: { deferred: 'a person asks to judge those that were skipped again' },
  sent: {},
};
