import type { Type } from '@nestjs/common';
import { tokenOf } from '../values/token.js';
import type { Dispatcher } from '../ports/dispatcher.js';
import type { EmailMessageSender } from '../ports/email-message.sender.js';
import type { KeyOf } from '../addresses/email-address.js';
import type { EnvelopeFrom, MessageHeadersOf, RecipientAttachmentsOf } from './host-made.options.js';
import type { InDoubtPolicy } from './in-doubt-policy.js';
import type { ResumePolicy } from './resume-policy.js';
import type { ParameterProcessor } from '../ports/parameter.processor.js';
import type { MailingPersister } from '../ports/mailing.persister.js';
import type { ProfileRepository } from '../ports/profile.repository.js';
import type { SuppressionList } from '../ports/suppression-list.js';
import type { TemplateRenderer } from '../ports/template.renderer.js';
import type { RunOptions, RetryOptions, ErrorGuardOptions } from './run-options.js';
import type { ServerOptions, BatchOptions, JournalOptions } from './server-options.js';
import type { AddressOptions, ProfileOptions } from './recipient-options.js';
import type { UnsubscribeOptions } from './unsubscribe.options.js';
import type { UnsubscribeSettings } from './unsubscribe.settings.js';
import type { TextOptions } from '../mail/text-options.js';
import type { TextConverter, AttachmentOptions, TemplateOptions } from './content-options.js';

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
  /**
   * Writes mailings and lists and reads them back in place of `TemplateEmailPersister`, for the sender and the restarter alike; a provider of
   * the host, or a class that Nest instantiates, usually one that extends `TemplateEmailPersister`. Default: `TemplateEmailPersister`.
   */
  templateEmailPersister?: Type<MailingPersister>;
  /** Turns profile ids into addresses; a provider of the host, or a class that Nest instantiates. Default: none. */
  profileRepository?: Type<ProfileRepository>;
  /**
   * Runs for each recipient just before its message is rendered, and may add to what the templates see, or skip the recipient: a provider
   * of the host, or a class that Nest instantiates. All servers of one database need the same one. Default: none.
   */
  parameterProcessor?: Type<ParameterProcessor>;
  /**
   * Addresses that must not be mailed: a provider of the host, or a class that Nest instantiates; false: no list is asked. The list is
   * asked once per commit. Default: a table beside those of the mailings. Inject `MailingSuppressions` to write to the list in use.
   */
  suppressionList?: Type<SuppressionList> | false;
  addresses?: AddressOptions;
  profiles?: ProfileOptions;
  /**
   * Hands the messages over in place of the mailer: a provider of the host, or a class that Nest instantiates. The application then needs no
   * `MailerModule`, and neither `bulkSmtp` nor `transporterName` may be given. Default: the mailer.
   */
  messageSender?: Type<EmailMessageSender>;
  /** One of the `transports` of `MailerModule`. Default: its default transport. */
  transporterName?: string;
  /**
   * True: the plugin itself speaks SMTP with the mail server of that transport, for volume. Messages then bypass the mailer, so what they
   * would have to pass through is refused at start: a transport that is not SMTP, or has `lmtp`, `dkim`, `proxy`, `getSocket`, `socket`,
   * `connection`, `attachDataUrls`, `rateLimit`, plugins, or defaults other than `from`, `subject`, `template` and `context`; and `plugins`
   * and `preview` of the mailer. Default: false.
   */
  bulkSmtp?: boolean;
  /**
   * True: each message says in `X-Mailing-Server` and `X-Mailing-Run` which server, process and batch sent it. Recipients can read it: the
   * id of a server often is its host name. Default: false.
   */
  debugHeaders?: boolean;
  /**
   * The address in the envelope of each message, to which bounces go: a function that is asked once for each message, for variable envelope
   * return paths (VERP). A mailing with `envelopeFrom` in its info does not ask. Default: the address of `from`.
   *
   * @example
   * ```ts
   * const envelopeFrom = ({ mailingId, idx }: EnvelopeRecipient) => `bounce+${mailingId}.${idx}@bounces.shop.example`;
   * MailingModule.forRoot({ templates: { dir }, envelopeFrom });
   * ```
   */
  envelopeFrom?: EnvelopeFrom;
  /**
   * Further headers of each message, such as `List-ID` and `Feedback-ID`: a function that is asked once for each message. A header of the mailing's
   * own `headers` wins over it. What has to be looked up belongs into a `parameterProcessor`, whose answer the `headers` of a mailing can show.
   * Default: none.
   *
   * @example
   * ```ts
   * const messageHeaders = ({ mailingName }: HeaderRecipient) => ({
   *   'List-ID': 'News of the shop <news.shop.example>',
   *   'Feedback-ID': `${mailingName}:news:shop`,
   * });
   * MailingModule.forRoot({ templates: { dir }, messageHeaders });
   * ```
   */
  messageHeaders?: MessageHeadersOf;
  /**
   * Functions that make files for single recipients, by their names; a mailing says in `recipientAttachments` of its info which one it needs. A function
   * can't be stored with a mailing, so its name is. Bounds: `attachments.maxPerRecipient` and `attachments.maxRecipientBytes`. Default: none.
   *
   * @example
   * ```ts
   * const invoices: RecipientAttachmentsOf = async ({ userId }) => [
   *   { filename: 'invoice.pdf', content: await readFile(join(dir, `${userId}.pdf`)) },
   * ];
   * MailingModule.forRoot({ templates: { dir }, recipientAttachments: { invoices } });
   * ```
   */
  recipientAttachments?: Record<string, RecipientAttachmentsOf>;
  run?: RunOptions;
  retry?: RetryOptions;
  errorGuard?: ErrorGuardOptions;
  server?: ServerOptions;
  batch?: BatchOptions;
  attachments?: AttachmentOptions;
  /**
   * A local file that records which messages this process really began. After a crash only those are in doubt, however many recipients are
   * marked ahead (`run.maxInDoubt`). False: there is none. Default: one in the state directory of the user, on Linux, where the database is no
   * SQLite in memory.
   */
  journal?: JournalOptions | false;
  /** `List-Unsubscribe` headers, and `unsubscribeUrl` in the templates. Default: none. */
  unsubscribe?: UnsubscribeOptions;
}

/** The options with every default filled in and every bound checked. */
export interface MailingSettings {
  templates: Required<Omit<TemplateOptions, 'text' | 'textConverter'>> & {
    text: Required<TextOptions>;
    /** Null: the plugin converts. */
    textConverter: TextConverter | null;
  };
  uniqServerId: string;
  migrationList: string[];
  enabledAsTemplateMailServer: boolean;
  logRecipients: boolean;
  resume: ResumePolicy;
  inDoubt: InDoubtPolicy;
  /** Null: Handlebars. */
  renderer: Type<TemplateRenderer> | null;
  /** Null: the plugin's own. */
  templateEmailPersister: Type<MailingPersister> | null;
  profileRepository: Type<ProfileRepository> | null;
  parameterProcessor: Type<ParameterProcessor> | null;
  /** Null: the plugin's own table. */
  suppressionList: Type<SuppressionList> | false | null;
  addresses: { keyOf: KeyOf } & Required<Pick<AddressOptions, 'unicodeLocalParts' | 'nonStandardLocalParts'>>;
  profiles: {
    /** Null: off. */
    contactFatigueMs: number | null;
    invalidateRefused: boolean;
  };
  /** Null: the mailer. */
  messageSender: Type<EmailMessageSender> | null;
  transporterName: string | null;
  bulkSmtp: boolean;
  debugHeaders: boolean;
  /** Null: the address of `from`. */
  envelopeFrom: EnvelopeFrom | null;
  /** Null: none. */
  messageHeaders: MessageHeadersOf | null;
  recipientAttachments: Readonly<Record<string, RecipientAttachmentsOf>>;
  run: Required<RunOptions>;
  retry: Required<RetryOptions>;
  errorGuard: Required<ErrorGuardOptions>;
  server: Required<ServerOptions>;
  batch: Required<Omit<BatchOptions, 'dispatcher'>> & { dispatcher: Type<Dispatcher> | null };
  attachments: Required<AttachmentOptions>;
  /** Null: none. `dir` null: in the state directory of the user, where that can be. */
  journal: { dir: string | null } | null;
  unsubscribe: UnsubscribeSettings | null;
}

/** Injection token of the settings. */
export const MAILING_SETTINGS = tokenOf<MailingSettings>('MAILING_SETTINGS');
