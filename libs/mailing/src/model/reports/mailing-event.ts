import type { HarmfulSetting, UnsafeConnectionError } from '../errors/database-setting.errors.js';
import type { ReasonCount } from './mailing-overview.js';
import type { MailingStatus } from '../states/mailing-status.js';
import type { ReadOnlyServerError } from '../errors/read-only-server.error.js';
import type { SettledStatus } from '../states/recipient-status.js';
import { TypedEvents } from './typed-events.js';

/**
 * The state in which a run left its slice. `fenced`: another process works on it now. `stalled`: the server stopped while the progress
 * could not be written. `rewound`: the database has lost commits of it, which are restored before it goes on.
 */
export type RunEndStatus = MailingStatus | 'fenced' | 'stalled' | 'rewound';

/** The commands that a person can give for a mailing. */
export type MailingCommand = 'pause' | 'resume' | 'cancel' | 'continue' | 'retry' | 'settle';

/**
 * Every event of the plugin with its facts. Names are `area:phase`. No event carries an address: each `reason` is one line without
 * addresses. An `error` is for programs and not enumerable.
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
  /** The slice of a dead run was recovered: `numInDoubt` recipients had been between hand-over and answer. `isResent`: they are sent again. */
  'run:recovered': {
    mailingId: string;
    name: string | null;
    numSettled: number;
    numProfiles: number;
    numInDoubt: number;
    isResent: boolean;
  };
  /**
   * A mailing that is not batched is no longer worked on in this process: its run ended, or it ended or paused without one. `status` and the
   * counters are those of the mailing.
   */
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
  /** The batch of a dead server was recovered and freed; `completed` if no recipient was left in it. */
  'batch:freed': {
    mailingId: string;
    startIdx: number;
    fromServerId: string;
    numInDoubt: number;
    status: RunEndStatus;
  };
  /** A batched mailing was completed, paused or canceled here: its last batch ended, or a command was carried out. */
  'mailing:ended': {
    mailingId: string;
    status: MailingStatus;
    numSent: number;
    numErrors: number;
    numSkipped: number;
  };
  /** Another process took the slice over; this process writes and sends nothing more for it. */
  'run:fenced': { mailingId: string | null };
  /**
   * The run stopped on an error of its own; it is picked up again at the next sweep. A mailing that is not persisted (`mailingId` null) ends
   * as `failed`.
   */
  'run:failed': { mailingId: string | null; error: unknown; reason: string };
  /** A commit of the run failed and is tried again as a whole. */
  'run:commit-retried': {
    mailingId: string | null;
    error: unknown;
    reason: string;
    attempt: number;
    delayMs: number;
  };
  /** Progress could not be written for `run.databaseRetryTimeoutMs`; the run keeps its outcomes in memory until it can. */
  'run:stalled': { mailingId: string | null; error: unknown; reason: string };
  /**
   * Something that a run needs is out of reach; no attempt is counted. `what`: `transport` for the mail server, `profiles` for the profile
   * repository, `recipients` for anything else about its recipients.
   */
  'transport:down': { mailingId: string | null; what: string; reason: string; retryInMs: number };
  /** Something that was out of reach works again; `what` as in `transport:down`, or `database`. */
  'outage:ended': { mailingId: string | null; what: string; lastedMs: number };
  /** The mail server asks for fewer messages at a time; from now on at most `concurrency` messages are in flight. */
  'transport:throttled': { mailingId: string | null; reason: string; concurrency: number };
  /** A probe found the transport working again; mailings that were paused because of it go on. */
  'transport:recovered': { numResumed: number };
  /** One recipient was refused for now and waits for another attempt. */
  'recipient:deferred': { mailingId: string | null; idx: number; code: string; retryInMs: number };
  /** One recipient is settled. */
  'recipient:settled': { mailingId: string | null; idx: number; status: SettledStatus; code: string | null };
  /**
   * A recipient unsubscribed and is not mailed again; `mailingId` and `idx` name the message with the link. Emitted again each time the
   * recipient unsubscribes.
   */
  'recipient:unsubscribed': {
    mailingId: string | null;
    idx: number;
    kind: 'profile' | 'address';
    /** Null for a plain address. */
    userId: string | null;
  };
  /** This process registered its server id: at the start, after a standby, or after `server:lost`. From now on it may claim work. */
  'server:registered': { uniqServerId: string; incarnation: string };
  /**
   * At the start: the server id looks like the name of a container, which its successor will not have, and there is no `migrationList` here. Mailings of
   * this server would wait when the container is replaced.
   */
  'server:ephemeral-id': { uniqServerId: string };
  /** Another live process uses this server id. */
  'server:standby': {
    uniqServerId: string;
    otherHost: string;
    otherPid: number;
    /** True: the other one is an application in this same process. */
    isThisProcess: boolean;
    /** Time without a heartbeat after which the other process counts as dead where its death can't be seen, in milliseconds. */
    leaseMs: number;
  };
  /** The row of this incarnation is gone: another server declared this process dead. */
  'server:lost': { uniqServerId: string; incarnation: string };
  /** This server found that incarnation dead and removed its row. */
  'server:pruned': { uniqServerId: string; incarnation: string };
  /**
   * This server was started with `resume: 'manual'` and begins none of the mailings that it found before `TemplateEmailRestarter.resume()`
   * is called. `numRecipients` are not settled yet. Emitted once, even if there are no mailings.
   */
  'server:resume-awaited': { uniqServerId: string; numMailings: number; numRecipients: number };
  /** `TemplateEmailRestarter.resume()` was called: the mailings that waited for it go on. */
  'server:resumed': { uniqServerId: string };
  /**
   * A step of this server failed: heartbeat, sweep, probe, dispatcher or a periodic task, which are tried again, or deregistering at the end,
   * which is not.
   */
  'server:error': { uniqServerId: string; step: string; error: unknown; reason: string };
  /** The heartbeat works again after a failure; `step` names it. */
  'server:recovered': { uniqServerId: string; step: string; lastedMs: number };
  /** A mailing of a dead server moved here. */
  'mailing:adopted': { mailingId: string; fromServerId: string; toServerId: string };
  /** A batched mailing waits, and no live server claims batches. */
  'mailing:unclaimed': { mailingId: string };
  /** The plugin paused a mailing that can't go on; no person asked for it. `name` is absent where it was not at hand. */
  'mailing:paused': { mailingId: string; name?: string | null; reason: string };
  /** This server begins a batch of a mailing, and had no batch of that mailing before. */
  'mailing:joined': { mailingId: string; name: string | null };
  /**
   * Progress of a mailing on all servers; every 10 s while this server works on it. `remainingMs` is null if nothing was settled since the
   * event before. For a mailing that is not persisted, `mailingId` and `remainingMs` are null, and `numProfiles` counts the recipients read
   * so far.
   */
  'mailing:progress': {
    mailingId: string | null;
    name: string | null;
    numSent: number;
    numErrors: number;
    numSkipped: number;
    numProfiles: number;
    /** Recipients settled per second, on average since the event before. */
    ratePerSecond: number;
    remainingMs: number | null;
  };
  /**
   * The result of a mailing that ended here. `mailingId` is null for one that is not persisted. `reasons`: the most frequent reasons of
   * errors and skipped recipients, at most five.
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
  /** A person gave this command; `status` is the state that the mailing reached at once. */
  'mailing:command': { mailingId: string; command: MailingCommand; status: MailingStatus };
  /** The host's repository did not accept the updates of `count` profiles. They are tried again; no mailing waits for them. */
  'profiles:error': {
    what: 'lastEmailed' | 'emailStatus';
    count: number;
    error: unknown;
    reason: string;
    retryInMs: number;
  };
  /** The oldest `count` updates were dropped: too many wait for the host's repository, or the process ends. */
  'profiles:dropped': { what: 'lastEmailed' | 'emailStatus'; count: number };
  /**
   * Recipients were in doubt because a claim was lost, and the process of that claim knows more: `numSent` are recorded as sent, and `numRetried`, which
   * were never handed over, are tried again.
   */
  'in-doubt:settled': { mailingId: string; numSent: number; numRetried: number };
  /** The host's resolver failed; the recipients stay in doubt. */
  'in-doubt:unresolved': { mailingId: string; numInDoubt: number; error: unknown; reason: string };
  /** A pooled transport would have sent messages again by itself after a lost connection; it no longer does. */
  'pool:requeues-disabled': { transporterName: string | null; was: number };
  /** This process keeps a journal in this folder. Emitted once, at the start. */
  'journal:enabled': { dir: string };
  /** No option turns the journal off, but its default folder can't be used. Emitted once, at the start. */
  'journal:unavailable': { error: unknown; reason: string };
  /** The journal can't be written, or this system is not Linux. Until this server registers anew, a crash leaves every marked recipient in doubt. */
  'journal:disabled': { dir: string; error: unknown; reason: string };
  /** Commits of this database may not survive a power cut. */
  'database:not-durable': { setting: string; value: string; expected: string };
  /** The database has a setting under which mailings work, but not always well. Emitted once, at the start. */
  'database:risky-setting': HarmfulSetting;
  /**
   * A connection has a setting under which no statement of the plugin may run; work that needs the database waits. Emitted at the first
   * refusal, not for each.
   */
  'database:unsafe-connection': { error: UnsafeConnectionError; reason: string };
  /**
   * A connection leads to a server that refuses writes, as after a failover. The plugin closes all connections that were made before, and
   * repeats the statement on a new one. Emitted at the first such answer, not for each.
   */
  'database:read-only': { error: ReadOnlyServerError; reason: string };
  /**
   * The data source leads to a database server that is new to this process, as after a failover. Nothing is claimed through it until
   * `numAwaited` other processes have had their first heartbeat there, at most for the length of a lease. Emitted again when fewer are
   * awaited, the last time with 0.
   */
  'database:failed-over': { numAwaited: number };
  /**
   * The database has lost commits of this process, as after a failover without synchronous replication. Of a mailing, or of its batch that
   * begins at `startIdx`, the database shows `seen` as the number of the last commit; this process has committed `committed`. The outcomes
   * of `numRestored` recipients were remembered and written again. `numInDoubt` recipients were settled, but their outcome is not known any
   * more; if there are any, the mailing is paused.
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

/** A listener for one event. */
export type MailingListener<K extends keyof MailingEventMap> = (facts: MailingEventMap[K]) => unknown;

/**
 * The events of the plugin. Listeners run in the plugin's own flow: keep them short. A promise that a listener returns is not awaited. What
 * a listener throws or rejects with becomes a warning of the process (`MailingListenerWarning`), once for each listener, and stops nothing.
 *
 * @example
 * ```ts
 * constructor(events: MailingEvents) {
 *   events.on('run:ended', ({ mailingId, status }) => metrics.count(`mailing.${status}`, { mailingId }));
 * }
 * ```
 */
export class MailingEvents extends TypedEvents<MailingEventMap> {}
