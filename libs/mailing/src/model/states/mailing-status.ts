/**
 * The life of a mailing.
 *
 * Asked-for and reached are two words: `pausing` is a wish that whoever works on the mailing still has to carry
 * out, `paused` is a fact.
 */
export type MailingStatus =
  /** The list of recipients is being written; nobody may send yet. */
  | 'loading'
  /** The list is complete and nobody works on it. */
  | 'pending'
  /** A run holds the claim and sends. */
  | 'in_progress'
  /** Somebody asked for a pause; messages in flight are still being finished. */
  | 'pausing'
  /** Nothing is in flight; goes on when somebody resumes it. */
  | 'paused'
  /** Somebody asked for the end; messages in flight are still being finished. */
  | 'canceling'
  /** Final: ended on request before its last recipient. */
  | 'canceled'
  /** Every recipient is settled. */
  | 'completed'
  /** Final: the list was never completed, or the mailing can't be sent at all; the reason is stored. */
  | 'failed';

/** Nobody works on these any more. */
export const ENDED_STATUSES = ['canceled', 'completed', 'failed'] as const;

/** Why a mailing stands still, as the beginning of `status_reason`. */
export const PAUSE_REASONS = {
  /** A person asked; nothing but a person makes it go on. */
  request: 'by request',
  /** The transport was down for `run.transportOutageTimeoutMs`; goes on by itself once it answers again. */
  transport: 'transport',
  /** The host's profiles could not be read for as long; only a person can tell when they can be. */
  profiles: 'profiles',
  /** Something else about its recipients could not be asked for as long, or their slots not be read; the same. */
  recipients: 'recipients',
  /** A template is gone or does not compile any more. */
  template: 'template',
  /** An attachment is not any more where it was kept, or not as it was. */
  attachments: 'attachments',
  /** A JSON column of its row holds something else than was written; without it other letters would be sent. */
  content: 'content',
  /** The database has forgotten commits, and what became of some recipients is not known any more; they are in doubt. */
  rewound: 'database rewound',
  /** Failures and deferrals outweigh the successes: a cumulative sum of the error guard over all of them has reached its bound. */
  errorRate: 'error rate',
} as const;

/** Every arrow between two states, with the reason it exists. The `WHERE` of each update enforces its arrow. */
export const MAILING_TRANSITIONS: Record<MailingStatus, Partial<Record<MailingStatus, string>>> = {
  loading: {
    pending: 'the last recipient is written',
    paused: 'a pause was asked for while the list was being written, and the last recipient is written',
    failed: 'the writer died, the source of recipients threw, or the server stopped in between',
    canceled: 'canceled while the list was being written',
  },
  pending: {
    in_progress: 'a run claimed it, or the first of its batches',
    paused: 'paused before anybody began, or its template or an attachment is gone',
    canceled: 'canceled before anybody began',
  },
  in_progress: {
    pending: 'orderly stop, the claim is handed back',
    pausing: 'a person asks for a pause, or one of its batches finds that it can not go on',
    canceling: 'a person asks for the end',
    completed: 'the last recipient is settled',
    paused: 'the plugin can not go on (transport, error rate) and has nothing in flight',
  },
  pausing: {
    paused: 'the last message in flight is settled, and no batch is claimed any more',
    in_progress: 'resumed before the pause was reached',
    completed: 'it was on its last recipient',
    canceling: 'the end is asked for before the pause is reached',
  },
  paused: { pending: 'resumed', canceled: 'canceled while paused' },
  canceling: {
    canceled: 'the last message in flight is settled, and no batch is claimed any more',
    completed: 'it was on its last recipient',
  },
  completed: { pending: 'a person asks to try those with errors or in doubt again' },
  canceled: {},
  failed: {},
};
