/** The life of one recipient of one mailing. */
export type RecipientStatus =
  /** Nobody has touched it yet, or it was handed back untouched. */
  | 'pending'
  /**
   * The intent to send is committed; the message may be on its way. Whatever a crash catches is in this state. Few rows say so: a first
   * attempt is under way where the row is `pending` and `idx` less than `next_idx` of its mailing or batch. `MailingQuery` tells.
   */
  | 'sending'
  /** Refused for now; waits for its next attempt in `dps_mail_deferred` while others overtake it. */
  | 'deferred'
  /** Settled: the mail server took the message. */
  | 'sent'
  /** Settled: refused, with code and text. */
  | 'error'
  /** Settled: never handed over, with the reason. */
  | 'skipped'
  /** Settled: handed over, and nobody can know whether it was taken. Counted as an error, listed by one call. */
  | 'in_doubt';

/** What a recipient can end with. Each counts in exactly one counter of its mailing. */
export type SettledStatus = Extract<RecipientStatus, 'sent' | 'error' | 'skipped' | 'in_doubt'>;

/** The counter of `dps_mailing` that a settled recipient is added to. */
export const COUNTER_OF: Record<SettledStatus, 'num_sent' | 'num_errors' | 'num_skipped'> = {
  sent: 'num_sent',
  error: 'num_errors',
  skipped: 'num_skipped',
  in_doubt: 'num_errors',
};

/** As the tables know them, in the order of a life. A new one goes to the end: the rows hold its number. */
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
 * Every arrow between two states, with the reason it exists. The `WHERE` of each update enforces its arrow; that of a first attempt under
 * way names a row that is `pending`, behind a fence that nobody else passes.
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
    deferred: 'the mail server refused it for now, or a deferred one was handed back',
  },
  error: { deferred: 'a person asks to try those with errors again' },
  in_doubt: {
    deferred: 'a person or the resolver of the host asks to send it again',
    sent: 'a person or the resolver of the host knows that it arrived',
    error: 'a person knows that it did not arrive, and leaves it at that',
  },
  sent: {},
  skipped: {},
};
