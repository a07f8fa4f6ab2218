import type { HarmfulSetting, UnsafeConnectionError } from '../errors/database-setting.errors.js';
import type { ReasonCount } from './mailing-overview.js';
import type { MailingStatus } from '../states/mailing-status.js';
import type { ReadOnlyServerError } from '../errors/read-only-server.error.js';
import type { SettledStatus } from '../states/recipient-status.js';
import { TypedEvents } from './typed-events.js';

/**
 * What a slice was left in. `fenced`: another process works on it now. `stalled`: the server stopped while its progress could not be written.
 * `rewound`: the database has forgotten commits of it, which are restored before it goes on.
 */
export type RunEndStatus = MailingStatus | 'fenced' | 'stalled' | 'rewound';

/** What people ask of a mailing. */
export type MailingCommand = 'pause' | 'resume' | 'cancel' | 'retry' | 'settle';

/**
 * Every event of the plugin with its facts. Names are `area:phase`. No event carries an address: each `reason` is one line without them, and an
 * `error`, for programs, is not enumerable.
 */
export interface MailingEventMap {
  /** The list of recipients is complete. */
  'list:written': {
    mailingId: string;
    name: string | null;
    numProfiles: number;
    numDuplicates: number;
    numInvalid: number;
  };
  /** The list could not be completed; the mailing is `failed`. */
  'list:failed': { mailingId: string; reason: string };
  /** A run begins or goes on. `mailingId` is null for a mailing that is not persisted. */
  'run:started': {
    mailingId: string | null;
    name: string | null;
    numSettled: number;
    numProfiles: number | null;
  };
  /** A dead run's slice was recovered: these recipients were caught between hand-over and answer. */
  'run:recovered': {
    mailingId: string;
    name: string | null;
    numSettled: number;
    numProfiles: number;
    numInDoubt: number;
    resent: boolean;
  };
  'run:ended': {
    mailingId: string | null;
    status: MailingStatus;
    numSent: number;
    numErrors: number;
    numSkipped: number;
  };
  /** A server begins a batch, or goes on with one. */
  'batch:started': {
    mailingId: string;
    name: string | null;
    startIdx: number;
    numSettled: number;
    numProfiles: number;
  };
  /** `pending`: it is free again. */
  'batch:ended': { mailingId: string; startIdx: number; status: RunEndStatus };
  /** The batch of a dead server was recovered and given back; `completed` if nobody was left in it. */
  'batch:freed': {
    mailingId: string;
    startIdx: number;
    fromServerId: string;
    numInDoubt: number;
    status: RunEndStatus;
  };
  /** The last batch of a mailing came to its end here, or an order was carried out. */
  'mailing:ended': {
    mailingId: string;
    status: MailingStatus;
    numSent: number;
    numErrors: number;
    numSkipped: number;
  };
  /** Somebody else took the slice over; this process writes and sends nothing more for it. */
  'run:fenced': { mailingId: string | null };
  /** The run stopped on an error of its own; it is picked up again at the next sweep. */
  'run:failed': { mailingId: string | null; error: unknown; reason: string };
  /** A statement of the run failed and is tried again as a whole. */
  'run:commit-retried': {
    mailingId: string | null;
    error: unknown;
    reason: string;
    attempt: number;
    delayMs: number;
  };
  /** The books could not be written for `run.databaseRetryTimeoutMs`; the run keeps what it knows until they can. */
  'run:stalled': { mailingId: string | null; error: unknown; reason: string };
  /**
   * What a run needs can't be reached, and no recipient is charged for it. `what`: `transport` for the mail server, `profiles` for the profile
   * repository, `recipients` for anything else about its recipients.
   */
  'transport:down': { mailingId: string | null; what: string; reason: string; retryInMs: number };
  /** What was out of reach works again; `what` as in `transport:down`, or `database`. */
  'outage:ended': { mailingId: string | null; what: string; lastedMs: number };
  /** The mail server wants less at a time; from now on at most `concurrency` messages are in flight. */
  'transport:throttled': { mailingId: string | null; reason: string; concurrency: number };
  /** A probe found the transport working again; mailings that were paused for it go on. */
  'transport:recovered': { numResumed: number };
  /** One recipient was refused for now and waits for another attempt. */
  'recipient:deferred': { mailingId: string | null; idx: number; code: string; retryInMs: number };
  /** One recipient is settled. */
  'recipient:settled': { mailingId: string | null; idx: number; status: SettledStatus; code: string | null };
  /**
   * Somebody wants no mail any more and is not mailed again; `mailingId` and `idx` tell by which message he said so. Again for each
   * time that he says it.
   */
  'recipient:unsubscribed': {
    mailingId: string | null;
    idx: number;
    kind: 'profile' | 'address';
    /** Null for a plain address. */
    userId: string | null;
  };
  'server:registered': { uniqServerId: string; incarnation: string };
  /** Another live process uses this server id. */
  'server:standby': {
    uniqServerId: string;
    otherHost: string;
    otherPid: number;
    /** The other one is an application of this very process. */
    isThisProcess: boolean;
    /** After which the other one counts as gone, where its death can't be seen, in milliseconds. */
    leaseMs: number;
  };
  /** The row of this incarnation is gone: somebody declared this process dead. */
  'server:lost': { uniqServerId: string; incarnation: string };
  /** This server found that incarnation dead and removed its row. */
  'server:pruned': { uniqServerId: string; incarnation: string };
  /**
   * This server was started with `resume: 'manual'` and begins none of the mailings that it found before `TemplateEmailRestarter.resume()` is
   * called. `numRecipients` are not settled yet. Told once, also where there are none.
   */
  'server:resume-awaited': { uniqServerId: string; numMailings: number; numRecipients: number };
  /** The call came: what was held goes on. */
  'server:resumed': { uniqServerId: string };
  /** A heartbeat or a sweep failed; it is tried again. */
  'server:error': { uniqServerId: string; step: string; error: unknown; reason: string };
  /** A step that had failed, the heartbeat, works again. */
  'server:recovered': { uniqServerId: string; step: string; lastedMs: number };
  /** A mailing of a dead server moved here. */
  'mailing:adopted': { mailingId: string; fromServerId: string; toServerId: string };
  /** A batched mailing waits, and no living server takes batches. */
  'mailing:unclaimed': { mailingId: string };
  /** The plugin paused a mailing by itself, because it can't go on as things are. */
  'mailing:paused': { mailingId: string; name?: string | null; reason: string };
  /** This server takes part in a mailing in batches: it begins one of them, and had none of the mailing before. */
  'mailing:joined': { mailingId: string; name: string | null };
  /**
   * How far a mailing has come, on all servers; every 10 s while this one works on it. `remainingMs` is null while nothing is sent. Of a mailing that
   * is not persisted `mailingId` is null, `numProfiles` is what has been read of its list, and `remainingMs` is not known.
   */
  'mailing:progress': {
    mailingId: string | null;
    name: string | null;
    numSent: number;
    numErrors: number;
    numSkipped: number;
    numProfiles: number;
    /** Recipients that were settled in one second, on average since the event before. */
    ratePerSecond: number;
    remainingMs: number | null;
  };
  /**
   * What became of a mailing that came to its end here. `mailingId` is null for one that is not persisted. `reasons`: the most frequent ones of errors
   * and skipped recipients, at most five.
   */
  'mailing:summary': {
    mailingId: string | null;
    name: string | null;
    status: MailingStatus;
    numSent: number;
    numErrors: number;
    numSkipped: number;
    numProfiles: number;
    reasons: ReasonCount[];
  };
  /** Somebody asked for this; `status` is what the mailing came to at once. */
  'mailing:command': { mailingId: string; command: MailingCommand; status: MailingStatus };
  /** The host's repository did not take what became of so many profiles; it is tried again, and no mailing waits for it. */
  'profiles:error': {
    what: 'lastEmailed' | 'emailStatus';
    count: number;
    error: unknown;
    reason: string;
    retryInMs: number;
  };
  /** So many, the oldest, were given up: too many wait for the host's repository, or the process ends. */
  'profiles:dropped': { what: 'lastEmailed' | 'emailStatus'; count: number };
  /** So many recipients were in doubt and are sent: the mail server's answers could be written only after their claim was lost. */
  'in-doubt:settled': { mailingId: string; numSent: number };
  /** The host's resolver failed; the doubt stays on record. */
  'in-doubt:unresolved': { mailingId: string; numInDoubt: number; error: unknown; reason: string };
  /** A pooled transport would have sent messages again by itself after a lost connection; it no longer does. */
  'pool:requeues-disabled': { transporterName: string | null; was: number };
  /** The journal can't be written: until the next start, a crash leaves everybody in doubt who is marked. */
  'journal:disabled': { dir: string; error: unknown; reason: string };
  /** Commits of this database may not survive a power cut. */
  'database:not-durable': { setting: string; value: string; expected: string };
  /** The database has a setting under which mailings work, but not always well. Told once, at the start. */
  'database:risky-setting': HarmfulSetting;
  /**
   * A connection has come to a setting under which no statement of the plugin may run; what needs the database waits. Told when it begins, not
   * for each refusal.
   */
  'database:unsafe-connection': { error: UnsafeConnectionError; reason: string };
  /**
   * A connection leads to a server that writes nothing, as after a failover: the plugin closes all that were made before, and does the
   * statement again on a new one. Told when it begins, not for each answer.
   */
  'database:read-only': { error: ReadOnlyServerError; reason: string };
  /**
   * The data source leads to a database server that this process did not know, as after a failover. Nothing is claimed through it before
   * the first heartbeats of `numAwaited` other processes there, at most for the length of a lease; told again when there are fewer, the last time
   * with 0.
   */
  'database:failed-over': { numAwaited: number };
  /**
   * The database has forgotten commits of this process, as after a failover without synchronous replication: it shows `seen` as the number of the
   * last commit of a mailing, or of its batch that begins at `startIdx`, and this process has committed `committed`. What became of
   * `numRestored` recipients was remembered and written again. `numInDoubt` were settled once, and it is not known how; where there are any, the
   * mailing is paused.
   */
  'database:rewound': {
    mailingId: string;
    startIdx: number | null;
    seen: number;
    committed: number;
    numRestored: number;
    numInDoubt: number;
  };
}

/** Hears one kind of event. */
export type MailingListener<K extends keyof MailingEventMap> = (facts: MailingEventMap[K]) => unknown;

/**
 * Where the plugin says what it does. Listeners run in the plugin's own flow: keep them short. Nothing waits for a promise that
 * one returns. What a listener throws or rejects with becomes a warning of the process (`MailingListenerWarning`), once for each
 * listener, and stops nothing.
 *
 * @example
 * ```ts
 * constructor(events: MailingEvents) {
 *   events.on('run:ended', ({ mailingId, status }) => metrics.count(`mailing.${status}`, { mailingId }));
 * }
 * ```
 */
export class MailingEvents extends TypedEvents<MailingEventMap> {}
