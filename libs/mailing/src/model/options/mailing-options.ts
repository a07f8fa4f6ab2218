import type { Type } from '@nestjs/common';
import type { AddressNormalizer } from '../addresses/address-key.js';
import type { Dispatcher } from '../ports/dispatcher.js';
import type { KeyOf } from '../addresses/email-address.js';
import type { InDoubtPolicy } from './in-doubt-policy.js';
import type { ResumePolicy } from './resume-policy.js';
import type { ProfileRepository } from '../ports/profile.repository.js';
import type { SuppressionList } from '../ports/suppression-list.js';
import type { TemplateRenderer } from '../ports/template.renderer.js';
import type { UnsubscribeOptions } from './unsubscribe.options.js';
import type { UnsubscribeSettings } from './unsubscribe.settings.js';
import type { TextOptions, AttachmentOptions, TemplateOptions } from './content-options.js';

/** Where the journal lies. */
export interface JournalOptions {
  /**
   * Absolute path of a folder on a disk of this machine, for this application alone; made if it is missing. It must be the same after a
   * restart. It is used on Linux only.
   */
  dir: string;
}

/** How one mailing is sent. */
export interface RunOptions {
  /**
   * Messages of one mailing in flight at a time. Default: 5, as many connections as a nodemailer pool opens by
   * default. Bounds: 1 to 1,000. Too low: a far mail server idles. Too high: messages queue inside the pool and
   * `messageTimeoutMs` runs while they do; some providers answer 421.
   */
  concurrency?: number;
  /**
   * Recipients of one mailing in state `sending` at a time, and so the most that a crash can leave in doubt. Default:
   * 2 × concurrency, so that a message is always at hand while a commit is being committed. Bounds: concurrency to
   * 100,000. Too high: more doubt after a crash.
   */
  maxInDoubt?: number;
  /**
   * Longest time from handing a message to the transport to its answer, in milliseconds. Default: 60,000. Bounds: 10
   * to 3,600,000. Too low: slow servers leave recipients in doubt. Too high: a stalled server holds a place that long.
   */
  messageTimeoutMs?: number;
  /**
   * Mailings that this process sends at a time; the others wait their turn. Default: 4. Bounds: 1 to 1,000.
   * Mailings that only wait for somebody's next
   * attempt do not count, and finish what is due beside the others.
   */
  maxConcurrentMailings?: number;
  /**
   * Messages that this process begins in any one second, over all its mailings; null: as many as it can. Default: null.
   * Bounds: 1 to 10,000. A place is free again one second after its message was answered, so that the mail server never
   * counts more, however unevenly they arrive; with slow answers the rate is therefore lower. Each server counts for
   * itself.
   */
  ratePerSecond?: number | null;
  /**
   * How long the mail server may be out of reach before the mailing is `paused` with reason `transport`, in
   * milliseconds. Default: 900,000 (15 minutes). Bounds: 0 to 86,400,000. Too low: every restart of the mail server
   * pauses mailings, which go on by themselves only when a probe succeeds. Too high: nobody is told.
   */
  transportOutageTimeoutMs?: number;
  /**
   * How long a run goes on trying to write down what it knows, in milliseconds, before it stops, keeps that in memory, and
   * waits for the next look for work that finds the database again. Default: 60,000. Bounds: 0 to 3,600,000. Nothing is
   * lost either way while the process lives. Too low: short hiccups are reported as stalls. Too high: long ones are
   * reported late, and hold a place of `maxConcurrentMailings`.
   */
  databaseRetryTimeoutMs?: number;
  /**
   * Longest wait for an answer of a function of the host (profiles, suppression list, renderer, `inDoubt`, `unsubscribe.url`, a
   * dispatcher's start), in milliseconds; after it the function counts as out of reach, and what it answers later is ignored.
   * Default: 30,000. Bounds: 10 to 600,000. Too low: a slow query is taken for an outage. Too high: a function that never answers
   * holds its mailing up that long before the mailing says why.
   */
  hostCallTimeoutMs?: number;
  /**
   * Longest wait for one entry of a list of recipients, or of a source of slot contents, in milliseconds; after it the list has failed, and
   * nothing is sent. Default: 600,000 (10 minutes). Bounds: 10 to 86,400,000. The whole list may take as long as it likes. Too low: a
   * list that is read behind a slow query, or behind a limit of rate, fails. Too high: the caller of a list that yields nothing is
   * kept waiting; `MailingHealth` names such a list after a minute, whatever this says.
   */
  sourceTimeoutMs?: number;
}

/** What becomes of a recipient whom the mail server refuses for now (4xx). */
export interface RetryOptions {
  /**
   * Attempts at one recipient; the last one's refusal is recorded as its error. Default: 5. Bounds: 1 to 100. Too low:
   * greylisting servers, which want a second visit, are never reached. Too high: a mailing takes days to complete.
   */
  maxAttempts?: number;
  /**
   * Longest wait before the second attempt, in milliseconds; each further one at most twice as long as the one before.
   * The wait itself is random between 0 and that ("full jitter"), so that those deferred together do not come back
   * together. Default: 300,000, at most `maxDelayMs`. Bounds: 1 to `maxDelayMs`.
   */
  initialDelayMs?: number;
  /** No wait is longer, in milliseconds. Default: 7,200,000 (2 hours). Bounds: 1 to 604,800,000. */
  maxDelayMs?: number;
}

/** When a mailing stops by itself, because what fails is probably our own fault: `paused` with reason `error rate`. */
export interface ErrorGuardOptions {
  /**
   * Attempts that have to fail one after the other; 0 turns the guard off. Successes in between put it off, see `maxErrorPercent`.
   * Refusals for now count; greylisting does not, nor a mail server that does not answer, which is an outage. Answers that name the recipient's own address or mailbox count only
   * from ten times as many on, and never before an eighth of the list has failed. Default: 50. Bounds: 0 to 100,000. Too low: a few refusals
   * stop a mailing. Too high: that many recipients are lost first.
   */
  sampleSize?: number;
  /**
   * Share of attempts that may fail for long, in percent: each success makes up for P ÷ (100 − P) failures, 4 by default.
   * Default: 80. Bounds: 1 to 99. Too low: a list of poor quality is stopped again and again. Too high: a list
   * of which hardly any recipient can be reached is not stopped.
   */
  maxErrorPercent?: number;
}

/** How this process shows that it lives, and how it ends. */
export interface ServerOptions {
  /**
   * Time between two heartbeats and two looks for work left behind, in milliseconds. Default: 5,000. Bounds: 20 to
   * 600,000. Too low: load on the database for nothing. Too high: see `leaseMs`.
   */
  heartbeatIntervalMs?: number;
  /**
   * A server without a heartbeat for this long is dead, in milliseconds, by the database's clock. Default: 20,000, at least 3 × `heartbeatIntervalMs`.
   * Bounds: 3 × `heartbeatIntervalMs` to 86,400,000. Too low: a slow database makes healthy servers look dead. Too high: work of a dead server
   * on another host, and a container that was killed and starts again, waits that long. All servers of one database need
   * the same value.
   */
  leaseMs?: number;
  /**
   * Longest wait at shutdown for messages in flight, in milliseconds. Default: 10,000. Bounds: 0 to 600,000. Too low:
   * recipients are left in doubt by an orderly stop. Too high: the platform kills the process first.
   */
  shutdownTimeoutMs?: number;
  /**
   * How long the database waits for a process that falls silent in a transaction before it rolls that back, in milliseconds; 0
   * leaves it as it is. Not on SQLite. Default: 60,000. Bounds: 0 to 3,600,000. PostgreSQL: set for the plugin's own transactions. MariaDB: in
   * seconds, rounded up, for transactions that have written something, on each connection that the plugin uses, so it holds for the host's
   * transactions there too. MySQL: in seconds, rounded up, for each such connection (`wait_timeout`), which the plugin gives signs of life, so
   * it ends those of a process that is stopped, cut off, or busy without a pause for so long. Too low: a host that pauses inside a transaction loses it,
   * on MySQL a process that is busy loses its connections. Too high: a mailing whose server lost power in mid-commit can't be taken over before.
   */
  idleTransactionTimeoutMs?: number;
  /**
   * How long the database may show an older state of a mailing than this process has committed, in milliseconds: a node of a cluster that
   * lags behind. After that it counts as gone back, as after a failover that lost commits: what this process remembers is written again, and
   * a mailing of which it does not remember all is paused. Default: 5,000. Bounds: 0 to 600,000. Too low: a node that lags is taken for a
   * database that went back, which costs a failed transaction on a cluster that certifies writes, and nothing else. Too high: mailings wait so
   * long after such a failover, and other servers may take up meanwhile what they should not.
   */
  databaseLagTimeoutMs?: number;
  /**
   * How far back this process remembers what it has committed, in milliseconds, for a database that forgets commits in a failover; 0: it
   * remembers nothing. Default: 60,000. Bounds: 0 to 3,600,000. Some bytes a recipient, and 8 MB at most. Too low: of commits that the
   * database has lost and this process has forgotten, the recipients are in doubt. Too high: memory for nothing.
   */
  commitMemoryMs?: number;
}

/** How a mailing is shared by several servers. */
export interface BatchOptions {
  /**
   * Recipients of one batch, where the mailing itself does not say (`batchSize`). Default: 100. Bounds: 1 to 1,000,000.
   * Too low: taking a batch up and merging it costs a dozen statements. Too high: at the end of a mailing few servers have
   * something to do.
   */
  emailsPerBatch?: number;
  /**
   * Batches that this process runs at a time, each with `run.concurrency` messages in flight; beside the mailings of
   * `run.maxConcurrentMailings`. Default: 4. Bounds: 1 to 1,000.
   */
  numBatchThreads?: number;
  /**
   * Every persisted mailing is batched unless it says `batched: false`. Default: false. With no server that has
   * `enabledAsTemplateMailServer` such mailings wait for one.
   */
  batchIfPossible?: boolean;
  /**
   * Longest time between two looks for free batches, in milliseconds. Default: 1,000. Bounds: 20 to 600,000. Too low: load
   * on the database for nothing. Too high: servers idle between batches that others made free.
   */
  pollIntervalMs?: number;
  /**
   * Carries the news of free batches between servers; a provider of the host, or a class that Nest instantiates.
   * Default: servers look by themselves every `pollIntervalMs`.
   */
  dispatcher?: Type<Dispatcher>;
}

/** What becomes of addresses. */
export interface AddressOptions {
  /**
   * Says which addresses of one mailing, and of the suppression list, are one mailbox: those it turns into the same text, for
   * example without what stands behind a plus sign. Mail goes to the address as it was given. It gets `local@domain`, the domain in
   * ASCII, and has to answer the same for the same address. Default: letter case, Unicode form and spelling of the domain do not
   * matter. Keys are stored: a change affects mailings that are sent from then on, and leaves the suppression list with the old ones.
   */
  normalizer?: AddressNormalizer;
  /**
   * Whether mail goes to addresses whose part before the @ is not ASCII (`josé@home.example`). `send` only if every mail server that
   * the transport reaches offers SMTPUTF8; others may refuse them or take them for somebody else. Default: `skip`, with the
   * reason `unicode_local_part`.
   */
  unicodeLocalParts?: 'send' | 'skip';
  /**
   * Whether mail goes to addresses whose part before the @ begins or ends with a dot or has two in a row (`try..this@home.example`), which some
   * providers gave out. It goes out in quotes (`"try..this"@home.example`), as the standard has it, and is the same mailbox. `send` for a list on which
   * they are real; on any other they are typing errors, which mail servers refuse. Default: `skip`, with the reason `non_standard_local_part`.
   */
  nonStandardLocalParts?: 'send' | 'skip';
}

/** What profiles are asked, and told. */
export interface ProfileOptions {
  /**
   * Whoever was mailed so recently, by any mailing, is skipped (`contact_fatigue`), in days of 24 hours; a mailing may ignore
   * it (`ignoreContactFatigue`). Judged by `lastEmailed` of the profile. Default: off. Bounds: 1 to 3,650. Too high: nobody
   * hears of anything. Give this or `hoursContactFatigue`, not both.
   */
  daysContactFatigue?: number;
  /** The same in hours. Default: off. Bounds: 1 to 87,600. */
  hoursContactFatigue?: number;
  /**
   * Whether the profiles of an address are marked invalid (`ProfileRepository.setEmailStatus`) when the mail server says for
   * good that there is no such user (5.1.1, 5.1.6, 5.1.10). Default: true. Other refusals never do that.
   */
  invalidateRefused?: boolean;
}

/** Options of `MailingModule.forRoot`; see the README for the whole table. */
export interface MailingModuleOptions {
  templates: TemplateOptions;
  /**
   * Name of this process among all that share the database, by convention `host:port`; at most 255 characters. It has
   * to stay the same over restarts, and no two live processes may share it. Default: the host name. Where that changes with each
   * container, mailings of the one before wait until a `migrationList` names it; so give an id that stays, or `['*']` there.
   */
  uniqServerId?: string;
  /**
   * Ids of dead servers whose mailings move here, at start and later as soon as their lease has run out; `['*']` adopts
   * from any dead server. Default: none, so that a copy of the database is left alone by servers with other ids.
   */
  migrationList?: string[];
  /**
   * Whether this server takes batches of the mailings of all servers of the database. Default: false, so that those of a copied
   * database wait.
   */
  enabledAsTemplateMailServer?: boolean;
  /**
   * Whether the log has a line for each recipient, at the level `verbose`. Default: false, because Nest prints every level where a host names
   * none, and a mailing has many recipients; the events `recipient:settled` and `recipient:deferred` come in any case.
   */
  logRecipients?: boolean;
  /**
   * `manual`: this process begins no mailing that it finds in the database before `TemplateEmailRestarter.resume()` is called. Give it to every
   * server on a copy of a database: with the id of the original each would mail what the original mails. Mailings that it is given after the
   * start are sent, with their further attempts; after another start they wait too. Default: `auto`.
   */
  resume?: ResumePolicy;
  /** Default: `leave`. */
  inDoubt?: InDoubtPolicy;
  /**
   * What templates are rendered by: `MailerAdapterRenderer` for the engine that `MailerModule` has an adapter for, or a class
   * of the host: a provider, or one that Nest instantiates. All servers of one database need the same. Default: Handlebars.
   */
  renderer?: Type<TemplateRenderer>;
  /** Turns profile ids into addresses; a provider of the host, or a class that Nest instantiates. Default: none. */
  profileRepository?: Type<ProfileRepository>;
  /**
   * Addresses that nobody may mail: a provider of the host, or a class that Nest instantiates; false: none is asked. It is asked once
   * a commit. Default: a table beside those of the mailings. Inject `MailingSuppressions` to write to whichever it is.
   */
  suppressionList?: Type<SuppressionList> | false;
  addresses?: AddressOptions;
  profiles?: ProfileOptions;
  /** One of the `transports` of `MailerModule`. Default: its default transport. */
  transporterName?: string;
  /**
   * True: speaks SMTP by itself with the mail server of that transport, for volume. Messages do not pass through the mailer then,
   * so a transport with a DKIM key, plugins or a proxy is refused at start. Default: false.
   */
  bulkSmtp?: boolean;
  run?: RunOptions;
  retry?: RetryOptions;
  errorGuard?: ErrorGuardOptions;
  server?: ServerOptions;
  batch?: BatchOptions;
  attachments?: AttachmentOptions;
  /**
   * A file beside the process that tells, after its death, whom it had really begun: only those are left in doubt, however many are
   * marked ahead (`run.maxInDoubt`). Default: none.
   */
  journal?: JournalOptions;
  /** `List-Unsubscribe` headers, and `unsubscribeUrl` in the templates. Default: none. */
  unsubscribe?: UnsubscribeOptions;
}

/** The options with every default filled in and every bound checked. */
export interface MailingSettings {
  templates: Required<Omit<TemplateOptions, 'text'>> & { text: Required<TextOptions> };
  uniqServerId: string;
  migrationList: string[];
  enabledAsTemplateMailServer: boolean;
  logRecipients: boolean;
  resume: ResumePolicy;
  inDoubt: InDoubtPolicy;
  /** Null: Handlebars. */
  renderer: Type<TemplateRenderer> | null;
  profileRepository: Type<ProfileRepository> | null;
  /** Null: the plugin's own table. */
  suppressionList: Type<SuppressionList> | false | null;
  addresses: { keyOf: KeyOf } & Required<Pick<AddressOptions, 'unicodeLocalParts' | 'nonStandardLocalParts'>>;
  profiles: {
    /** Null: off. */
    contactFatigueMs: number | null;
    invalidateRefused: boolean;
  };
  transporterName: string | null;
  bulkSmtp: boolean;
  run: Required<RunOptions>;
  retry: Required<RetryOptions>;
  errorGuard: Required<ErrorGuardOptions>;
  server: Required<ServerOptions>;
  batch: Required<Omit<BatchOptions, 'dispatcher'>> & { dispatcher: Type<Dispatcher> | null };
  attachments: Required<AttachmentOptions>;
  /** Null: none. */
  journal: Required<JournalOptions> | null;
  unsubscribe: UnsubscribeSettings | null;
}

/** Injection token of the settings. */
export const MAILING_SETTINGS = Symbol('MAILING_SETTINGS');
