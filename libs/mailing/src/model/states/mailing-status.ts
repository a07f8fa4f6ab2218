/**
 * The life of a mailing.
 *
 * A request and its completion are two states: `pausing` is a request that the claim holders still have to carry out, `paused` is a fact.
 */
export type MailingStatus =
  /** The list of recipients is being written; no message may be sent yet. */
  | 'loading'
  /** The list is complete, and no run works on it. */
  | 'pending'
  /** A run holds the claim and sends. */
  | 'in_progress'
  /** A pause was requested, by a user or by a batch that can't go on; messages in flight are still being finished. */
  | 'pausing'
  /** Nothing is in flight. Goes on when a user resumes it; after an outage of the transport, by itself. */
  | 'paused'
  /** A user requested the end; messages in flight are still being finished. */
  | 'canceling'
  /** Final: ended on request before its last recipient. */
  | 'canceled'
  /** Every recipient is settled. */
  | 'completed'
  /** Final: the list was never completed, or the mailing can't be sent at all; the reason is stored. */
  | 'failed';

/** The mailing has ended: it sends nothing more, unless `retry` opens a completed one again. */
export const ENDED_STATUSES = ['canceled', 'completed', 'failed'] as const;

/** Why a mailing is paused, as the beginning of `status_reason`. */
export const PAUSE_REASONS = {
  /** A user requested it; only a user can resume it. */
  request: 'by request',
  /** The transport was down for `run.transportOutageTimeoutMs`; goes on by itself once it answers again. */
  transport: 'transport',
  /**
   * The host's profiles could not be read for `run.transportOutageTimeoutMs`. Only a user can resume it: the plugin can't tell when they
   * can be read.
   */
  profiles: 'profiles',
  /** Something else about its recipients, or their slots, could not be read for `run.transportOutageTimeoutMs`. Only a user can resume it. */
  recipients: 'recipients',
  /** A template is gone or does not compile any more. */
  template: 'template',
  /** An attachment is no longer where it was stored, or has changed. */
  attachments: 'attachments',
  /** A JSON column of its row holds something else than was written; sending without it would send other messages. */
  content: 'content',
  /** The database has lost commits, and the outcome of some recipients is not known any more; they are in doubt. */
  rewound: 'database rewound',
  /** Failures and deferrals outweigh the successes: a cumulative sum of the error guard over all of them has reached its bound. */
  errorRate: 'error rate',
} as const;

/** Every transition between two states, with its reason. The `WHERE` of each update enforces it. */
export const MAILING_TRANSITIONS: Record<MailingStatus, Partial<Record<MailingStatus, string>>> = {
  loading: {
    pending: 'the last recipient is written',
    paused: 'a pause was asked for while the list was being written, and the last recipient is written',
    failed: 'the writer died, the source of recipients threw, or the server stopped in between',
    canceled: 'canceled while the list was being written',
  },
  pending: {
    in_progress: 'a run claimed it, or the first of its batches',
    paused: 'paused before it began, or its template or an attachment is gone',
    canceled: 'canceled before it began',
  },
  in_progress: {
    pending: 'orderly stop, the claim is released',
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
  paused: {
    pending: 'resumed',
    canceled: 'canceled while paused',
    pausing: 'the database rewound, and a server claims it again to restore lost commits',
  },
  canceling: {
    canceled: 'the last message in flight is settled, and no batch is claimed any more',
    completed: 'it was on its last recipient',
  },
  completed: { pending: 'a person asks to try those with errors, in doubt or skipped again' },
  canceled: { pending: 'a person asks to continue it' },
  failed: { pending: 'a person asks to send to what was written of the list' },
};
