import type { Type } from '@nestjs/common';
import { tokenOf } from '../values/token.js';
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

/** Where the journal is kept. */
export interface JournalOptions {
  /**
   * Absolute path of a folder on a disk of this machine, used by this application alone; created if missing. It must be the same after a
   * restart. The journal is used on Linux only.
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
   * Recipients of one mailing or batch in state `sending` at a time, and so the most that a crash can leave in doubt. Default: 2 ×
   * concurrency, so that a message is always ready while a commit is being written. Bounds: concurrency to 100,000. Too high: more doubt
   * after a crash.
   */
  maxInDoubt?: number;
  /**
   * Longest time from handing a message to the transport to its answer, in milliseconds. Default: 60,000. Bounds: 10 to 3,600,000. Too low:
   * slow mail servers leave recipients in doubt. Too high: a stalled mail server blocks a slot of `concurrency` that long.
   */
  messageTimeoutMs?: number;
  /**
   * Mailings that this process sends at a time; the others wait their turn. Default: 4. Bounds: 1 to 1,000. A mailing that only waits for
   * next attempts does not count; it sends the recipients that are due beside the other mailings. Too low: a short mailing waits behind long
   * ones. Too high: the mailings share one transport and one database, and each of them takes longer.
   */
  maxConcurrentMailings?: number;
  /**
   * Messages that this process begins in any one second, over all its mailings; null: no limit. Default: null. Bounds: 1 to 10,000. A slot
   * is free again one second after its message was answered. So the mail server never counts more, however unevenly the messages arrive;
   * with slow answers the rate is lower. Each server has its own limit.
   */
  ratePerSecond?: number | null;
  /**
   * How long the mail server may be out of reach before the mailing is `paused` with reason `transport`, in milliseconds. Default: 900,000
   * (15 minutes). Bounds: 0 to 86,400,000. Too low: every restart of the mail server pauses mailings, which resume by themselves only when
   * a probe succeeds. Too high: a long outage does not show as a paused mailing.
   */
  transportOutageTimeoutMs?: number;
  /**
   * How long a run retries a commit that the database does not accept, in milliseconds. After that the run stops, keeps its outcomes in
   * memory, and goes on at the first sweep that reaches the database again. Default: 60,000. Bounds: 0 to 3,600,000. While the process
   * lives, nothing is lost. Too low: short outages are reported as stalls. Too high: long outages are reported late, and hold a slot of
   * `maxConcurrentMailings`.
   */
  databaseRetryTimeoutMs?: number;
  /**
   * Longest wait for an answer of a function of the host (profiles, suppression list, renderer, `inDoubt`, `unsubscribe.url`, a
   * dispatcher's start), in milliseconds. After it the function counts as out of reach, and a later answer is ignored. Default: 30,000.
   * Bounds: 10 to 600,000. Too low: a slow query counts as an outage. Too high: a function that never answers delays its mailing that long
   * before the mailing says why.
   */
  hostCallTimeoutMs?: number;
  /**
   * Longest wait for one entry of a list of recipients, or of a source of slot contents, in milliseconds. After it the list has failed: a
   * persisted mailing sends nothing, any other nothing more. Default: 600,000 (10 minutes). Bounds: 10 to 86,400,000. The whole list may
   * take any time. Too low: a list that is read behind a slow query or a rate limit fails. Too high: the caller waits long for a list that
   * yields nothing; `MailingHealth` names such a list after a minute, whatever this value.
   */
  sourceTimeoutMs?: number;
}

/** What happens to a recipient that the mail server refuses for now (4xx). */
export interface RetryOptions {
  /**
   * Attempts for one recipient; the refusal of the last one is recorded as its error. Default: 5. Bounds: 1 to 100. Too low: servers that
   * greylist, and so accept only a later attempt, are never reached. Too high: a mailing takes days to complete.
   */
  maxAttempts?: number;
  /**
   * Longest wait before the second attempt, in milliseconds. The longest wait doubles with each further attempt, up to `maxDelayMs`. The
   * wait itself is random between 0 and that ("full jitter"), so that recipients deferred together do not come back together. Default:
   * 300,000, at most `maxDelayMs`. Bounds: 1 to `maxDelayMs`.
   */
  initialDelayMs?: number;
  /**
   * Upper limit of every wait before another attempt, in milliseconds. Default: 7,200,000 (2 hours). Bounds: 1 to 604,800,000. Too low: all
   * attempts are used up before a mail server accepts again. Too high: a recipient that was refused for now gets its message late, and the
   * mailing completes late.
   */
  maxDelayMs?: number;
}

/** When a mailing pauses by itself because its failures are probably the sender's fault: `paused` with reason `error rate`. */
export interface ErrorGuardOptions {
  /**
   * Failed attempts in a row that pause a mailing; 0 turns the guard off. A success in between delays the pause, see `maxErrorPercent`.
   * Temporary refusals count. Greylisting does not count, nor does a mail server that does not answer: that is an outage. Answers about the
   * recipient's own address or mailbox pause the mailing only at ten times as many, and never before an eighth of the list has failed.
   * Default: 50. Bounds: 0 to 100,000. Too low: a few refusals pause a mailing. Too high: that many recipients are lost first.
   */
  sampleSize?: number;
  /**
   * Percentage P of attempts that may fail over a long time: each success offsets P ÷ (100 − P) failures, 4 by default. Default: 80.
   * Bounds: 1 to 99. Too low: a list of poor quality is paused again and again. Too high: a list of which hardly any recipient can be
   * reached is not paused.
   */
  maxErrorPercent?: number;
}

/** How this process shows that it is alive, and how it shuts down. */
export interface ServerOptions {
  /**
   * Time between two heartbeats, and between two sweeps for work left behind, in milliseconds. Default: 5,000. Bounds: 20 to 600,000. Too
   * low: needless load on the database. Too high: see `leaseMs`.
   */
  heartbeatIntervalMs?: number;
  /**
   * A server without a heartbeat for this long counts as dead, in milliseconds by the database's clock. Default: 20,000, at least 3 ×
   * `heartbeatIntervalMs`. Bounds: 3 × `heartbeatIntervalMs` to 86,400,000. Too low: a slow database makes live servers look dead. Too
   * high: the work of a dead server on another host waits that long, and so does a container that was killed and starts again. All servers
   * of one database need the same value.
   */
  leaseMs?: number;
  /**
   * Longest wait at shutdown for messages in flight, in milliseconds. Default: 10,000. Bounds: 0 to 600,000. Too low:
   * recipients are left in doubt by an orderly stop. Too high: the platform kills the process first.
   */
  shutdownTimeoutMs?: number;
  /**
   * How long a process may be silent inside a transaction before the database rolls the transaction back, in milliseconds; 0: the plugin
   * sets no limit. Not on SQLite. Default: 60,000. Bounds: 0 to 3,600,000. PostgreSQL: set for the plugin's own transactions only. MariaDB
   * and MySQL: set in seconds, rounded up, on each connection that the plugin uses, so it holds for the host's transactions on that
   * connection too. MariaDB limits only transactions that have written something. MySQL limits the whole session (`wait_timeout`), and the
   * plugin sends keep-alives on it, so MySQL ends only the sessions of a process that is stopped, cut off, or busy without a pause for so
   * long. Too low: a host that pauses inside a transaction loses it; on MySQL a busy process loses its connections. Too high: a mailing
   * whose server lost power in mid-commit can't be taken over before this time.
   */
  idleTransactionTimeoutMs?: number;
  /**
   * How long the database may show an older state of a mailing than this process has committed, in milliseconds, as a cluster node that
   * lags behind does. After that the database counts as rewound, as by a failover that lost commits: this process writes again what it
   * remembers, and pauses a mailing of which it does not remember all. Default: 5,000. Bounds: 0 to 600,000. Too low: a lagging node counts
   * as rewound, which costs a failed transaction on a cluster that certifies writes, and nothing else. Too high: after such a failover
   * mailings wait that long, and other servers may meanwhile claim work that they should not.
   */
  databaseLagTimeoutMs?: number;
  /**
   * How long this process remembers its commits, in milliseconds, for a database that loses commits in a failover; 0: it remembers none.
   * Default: 60,000. Bounds: 0 to 3,600,000. It costs some bytes per recipient, 8 MB at most. Too low: recipients of commits that the
   * database has lost and this process has forgotten are in doubt. Too high: memory is wasted.
   */
  commitMemoryMs?: number;
}

/** How several servers share a mailing. */
export interface BatchOptions {
  /**
   * Recipients of one batch, unless the mailing sets `batchSize`. Default: 100. Bounds: 1 to 1,000,000. Too low: claiming and merging a
   * batch costs a dozen statements. Too high: at the end of a mailing few servers have work.
   */
  emailsPerBatch?: number;
  /**
   * Batches that this process runs at a time, each with `run.concurrency` messages in flight, in addition to the mailings of
   * `run.maxConcurrentMailings`. Default: 4. Bounds: 1 to 1,000. Too low: this server does less than it could. Too high: messages wait for
   * a connection of the transport, and a crash leaves up to `run.maxInDoubt` recipients in doubt for each of these batches.
   */
  numBatchThreads?: number;
  /**
   * Whether every persisted mailing is batched unless it says `batched: false`. Default: false. If no server has
   * `enabledAsTemplateMailServer`, batched mailings wait for one.
   */
  batchIfPossible?: boolean;
  /**
   * Longest time between two polls for free batches, in milliseconds. Default: 1,000. Bounds: 20 to 600,000. Too low: needless load on the
   * database. Too high: servers idle between batches that others made free.
   */
  pollIntervalMs?: number;
  /**
   * Tells servers that there are free batches; a provider of the host, or a class that Nest instantiates. Default: servers look by
   * themselves every `pollIntervalMs`.
   */
  dispatcher?: Type<Dispatcher>;
}

/** How addresses are compared, and which of them are mailed. */
export interface AddressOptions {
  /**
   * Decides which addresses are one mailbox, in a mailing and on the suppression list: those for which it returns the same text, for
   * example without the part after a plus sign. Mail goes to the address as it was given. The function gets `local@domain`, the domain in
   * ASCII, and must return the same text each time for the same address. Default: letter case, Unicode form and spelling of the domain do
   * not matter. Keys are stored: a change affects mailings that are sent from then on, and the suppression list keeps its old keys.
   */
  normalizer?: AddressNormalizer;
  /**
   * Whether mail goes to addresses whose part before the @ is not ASCII (`josé@home.example`). `send` only if every mail server that the
   * transport reaches offers SMTPUTF8; other servers may refuse such an address or deliver it to another mailbox. Default: `skip`, with the
   * reason `unicode_local_part`.
   */
  unicodeLocalParts?: 'send' | 'skip';
  /**
   * Whether mail goes to addresses whose part before the @ begins or ends with a dot or has two in a row (`try..this@home.example`), which
   * some providers gave out. Such an address is sent in quotes (`"try..this"@home.example`), as the standard requires, and is the same
   * mailbox. `send` for a list on which such addresses are real; on any other list they are typing errors, which mail servers refuse.
   * Default: `skip`, with the reason `non_standard_local_part`.
   */
  nonStandardLocalParts?: 'send' | 'skip';
}

/** What is read from profiles before a send, and what is written back. */
export interface ProfileOptions {
  /**
   * A profile that was mailed within this time, by any mailing, is skipped (`contact_fatigue`); in days of 24 hours. A mailing can ignore
   * this (`ignoreContactFatigue`). Judged by `lastEmailed` of the profile. Default: off. Bounds: 1 to 3,650. Too high: profiles get no mail
   * at all. Give this or `hoursContactFatigue`, not both.
   */
  daysContactFatigue?: number;
  /** The same in hours. Default: off. Bounds: 1 to 87,600. */
  hoursContactFatigue?: number;
  /**
   * Whether the profiles of an address are marked invalid (`ProfileRepository.setEmailStatus`) when the mail server says permanently that
   * there is no such user (5.1.1, 5.1.6, 5.1.10). Default: true. Other refusals never mark a profile.
   */
  invalidateRefused?: boolean;
}

/** Options of `MailingModule.forRoot`; docs/options.md lists them all. */
export interface MailingModuleOptions {
  /** The folder of the templates, and what templates can use. Only its `dir` is required. */
  templates: TemplateOptions;
  /**
   * Name of this process among all that share the database, by convention `host:port`; at most 255 characters. It must stay the same over
   * restarts, and no two live processes may share it. Default: the host name. If that changes with each container, the mailings of the
   * previous container wait until a `migrationList` names it; so give an id that stays, or `['*']` there.
   */
  uniqServerId?: string;
  /**
   * Ids of dead servers whose mailings move here: at start, and later as soon as their lease has run out. `['*']` adopts from any dead
   * server. Default: none, so that servers with other ids leave a copy of the database alone.
   */
  migrationList?: string[];
  /** Whether this server claims batches of mailings of all servers of the database. Default: false, so that the batches in a copied database wait. */
  enabledAsTemplateMailServer?: boolean;
  /**
   * Whether the log has a line for each recipient, at the level `verbose`. Default: false, because Nest prints every level unless the host
   * names some, and a mailing has many recipients. The events `recipient:settled` and `recipient:deferred` are emitted in any case.
   */
  logRecipients?: boolean;
  /**
   * `manual`: this process begins no mailing that it finds in the database before `TemplateEmailRestarter.resume()` is called. Give it to
   * every server on a copy of a database: with the id of the original, each server would mail what the original mails. A mailing that this
   * process accepts after its start is sent, with its further attempts; after another start it waits too. Default: `auto`.
   */
  resume?: ResumePolicy;
  /**
   * What happens to recipients whose message may have been handed over and whose answer is not known: they are recorded as in doubt
   * (`leave`), sent to again (`resend`), or a function of the host is asked. After a crash, all three apply. `resend` also applies during a
   * run, after a lost connection or `run.messageTimeoutMs`. Default: `leave`.
   */
  inDoubt?: InDoubtPolicy;
  /**
   * Renders the templates: `MailerAdapterRenderer` for the engine that `MailerModule` has an adapter for, a provider of the host, or a
   * class that Nest instantiates. All servers of one database need the same renderer. Default: Handlebars.
   */
  renderer?: Type<TemplateRenderer>;
  /** Turns profile ids into addresses; a provider of the host, or a class that Nest instantiates. Default: none. */
  profileRepository?: Type<ProfileRepository>;
  /**
   * Addresses that must not be mailed: a provider of the host, or a class that Nest instantiates; false: no list is asked. The list is
   * asked once per commit. Default: a table beside those of the mailings. Inject `MailingSuppressions` to write to the list in use.
   */
  suppressionList?: Type<SuppressionList> | false;
  addresses?: AddressOptions;
  profiles?: ProfileOptions;
  /** One of the `transports` of `MailerModule`. Default: its default transport. */
  transporterName?: string;
  /**
   * True: the plugin itself speaks SMTP with the mail server of that transport, for volume. Messages then bypass the mailer, so what they
   * would have to pass through is refused at start: a transport that is not SMTP, or has `lmtp`, `dkim`, `proxy`, `getSocket`, `socket`,
   * `connection`, `attachDataUrls`, `rateLimit`, plugins, or defaults other than `from`, `subject`, `template` and `context`; and `plugins`
   * and `preview` of the mailer. Default: false.
   */
  bulkSmtp?: boolean;
  run?: RunOptions;
  retry?: RetryOptions;
  errorGuard?: ErrorGuardOptions;
  server?: ServerOptions;
  batch?: BatchOptions;
  attachments?: AttachmentOptions;
  /**
   * A local file that records which messages this process really began. After a crash only those are in doubt, however many recipients are
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
export const MAILING_SETTINGS = tokenOf<MailingSettings>('MAILING_SETTINGS');
