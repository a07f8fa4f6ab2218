import type { EntityManager } from 'typeorm';
import { InvalidArgumentError } from '../model/errors/argument.errors.js';
import { checkMailingId, checkOneOf } from '../model/errors/argument.check.js';
import type { ModuleContext } from '../model/host-calls/async-context.js';
import type { MailingHandle, TransactionalMailingHandle } from '../model/reports/mailing-handle.js';
import type { MailingSettings } from '../model/options/mailing-options.js';
import type { MailingStatus } from '../model/states/mailing-status.js';
import type { ProfileRepository } from '../model/ports/profile.repository.js';
import type { Recipient, Recipients } from '../model/mail/recipient.js';
import { InvalidFieldError, ServerShuttingDownError } from '../model/errors/request.errors.js';
import { isPlainObject } from '../model/values/value-kind.js';
import type { SlotFilling } from '../model/mail/slot-filling.js';
import type {
  EmailToUserOptions,
  SendOptions,
  TransactionalSendOptions,
} from '../model/mail/send-options.js';
import type { TemplateEmailInfo, TemplateEmailRequest } from '../model/mail/template-email-info.js';
import type { MailingTemplate, TemplateRenderer } from '../model/ports/template.renderer.js';
import type { MailingTerms } from '../model/ports/mailing.persister.js';
import type { NamedSenders } from '../delivery/transport/named.senders.js';
import type { MailingIntake } from './intake/mailing-intake.js';
import type { MailingLauncher } from './execution/mailing-launcher.js';
import type { MailingCommands } from './mailing.commands.js';
import { type CheckedRequest, checkRequest } from './intake/mailing-request.check.js';
import type { TransactionIntake } from './intake/transaction.intake.js';
import { type OpenedRequest, openRequest } from './intake/opened-request.js';
import { type CheckedSendOptions, checkUser, sendOptionsOf } from './intake/send-options.check.js';
import type { SlotRegistry } from './intake/slot.registry.js';

/** Sends one templated e-mail to many people, and takes commands about mailings. */
export class TemplateEmailSender {
  constructor(
    private readonly settings: Pick<
      MailingSettings,
      'attachments' | 'batch' | 'templates' | 'uniqServerId' | 'recipientAttachments'
    >,
    private readonly intake: MailingIntake,
    private readonly transactions: TransactionIntake,
    private readonly commands: MailingCommands,
    private readonly launcher: MailingLauncher,
    private readonly senders: NamedSenders,
    private readonly renderer: TemplateRenderer,
    private readonly profiles: () => ProfileRepository | null,
    private readonly slots: SlotRegistry,
    private readonly context: ModuleContext,
  ) {}

  /**
   * Sends one mailing.
   *
   * With `persist` true the mailing and its recipients are written to the database first. From then on no kill, restart or outage loses a recipient
   * or sends a second copy. With `persist` false nothing is written, and a crash loses the rest.
   *
   * With `runInSeparateThread` true the promise resolves as soon as the request is safe: written to the database, or queued in memory. With false it
   * resolves when the mailing is finished.
   *
   * Inside a transaction of the caller, the plugin's writes are not part of that transaction, unless its manager is given as the option `transaction`
   * (docs/guarantees.md).
   *
   * @param info what is sent; copied, so the object may be reused at once.
   * @param recipients the recipients in order of sending: addresses and profile ids, mixed, from an array or any iterable or async iterable. A
   * recipient that is listed twice gets one copy. An address that can't be parsed costs that recipient only. An empty list is a mailing that
   * completes at once.
   * @param runInSeparateThread default: true.
   * @param persist default: false, as in the sender that this one is modelled on; in an options object it is true.
   *
   * @throws UnknownRecipientsError if `recipients` can't be iterated over; SourceConsumedError for an iterator (such as a generator) or a stream that
   * was read before, there or in `slots`; SourceProtocolError for an iterator whose `next()` gives no object.
   * @throws MissingFieldError, InvalidFieldError, UnknownFieldError, FieldTooLongError if a field of the info or the options is missing, invalid,
   * unknown or too long.
   * @throws InvalidHeaderAddressError if from, reply-to, cc or bcc can't be parsed.
   * @throws HeaderInjectionError if a header value holds a line break or another control character.
   * @throws TemplateMissingError, TemplateOutsideFolderError, TemplateEncodingError, TemplateNotCompilingError, TemplateFrontMatterError if a
   * template can't be used; HostSilentError, HostAnswerError if a renderer of the host does not open it in time, or returns something else.
   * @throws SlotUnknownError, SlotNotPersistentError, SlotNameNotLiteralError for slots of the templates; SlotContentError for content without a
   * valid profile id, or for content for all recipients that the database refuses.
   * @throws NotSerializableError if `persist` is true and parameters can't be stored as JSON, are nested more than 25 levels deep or take more than
   * 262,144 bytes of it. The same bounds hold, whatever `persist` is, for content that all recipients see in a persistent slot.
   * @throws AttachmentTooLargeError, AttachmentDownloadError, AttachmentStreamError, AttachmentNotStoredError if an attachment is too large, can't be
   * fetched, is a stream, or can't be stored.
   * @throws ProfileRepositoryMissingError for a profile id if the host gave no `profileRepository`.
   * @throws HostTransactionOpenError within a transaction of the caller on a SQLite data source that the plugin shares, after 5 s, if it is not given
   * as the option `transaction`.
   * @throws TransactionDatabaseError, TransactionListTooLongError, TransactionKeyBusyError with the option `transaction`, if it is one of another
   * database, if the list is too long for it, or if a mailing with the key is being written.
   * @throws ServerShuttingDownError during shutdown; ServerStandbyError if another live process has our server id.
   * @throws RecipientListError if the source of recipients fails half-way, or yields nothing for `run.sourceTimeoutMs`; the mailing is then `failed`,
   * and no recipient is mailed.
   *
   * @example
   * ```ts
   * const { mailingId } = await sender.sendEmailMessage(
   *   { templateUrl: 'newsletter.hbs', subject: 'Hello {{name}}', from: 'news@shop.example' },
   *   [{ email: 'ann@home.example', name: 'Ann' }, 'bob@home.example'],
   *   { persist: true },
   * );
   * ```
   */
  async sendEmailMessage(
    info: TemplateEmailRequest,
    recipients: Recipients,
    options: TransactionalSendOptions,
  ): Promise<TransactionalMailingHandle>;
  async sendEmailMessage(
    info: TemplateEmailRequest,
    recipients: Recipients,
    runInSeparateThread?: boolean,
    persist?: boolean,
  ): Promise<MailingHandle>;
  async sendEmailMessage(
    info: TemplateEmailRequest,
    recipients: Recipients,
    options: SendOptions,
  ): Promise<MailingHandle>;
  async sendEmailMessage(
    info: TemplateEmailRequest,
    recipients: Recipients,
    how?: boolean | SendOptions,
    persistArgument?: boolean,
  ): Promise<MailingHandle | TransactionalMailingHandle> {
    const options = sendOptionsOf(how, persistArgument);
    const { runInSeparateThread, persist, terms, transaction } = options;
    if (this.intake.isStopping) throw new ServerShuttingDownError(this.settings.uniqServerId);
    const slots = this.slots.take(info?.slots);
    const checked = checkRequest(info as TemplateEmailInfo, recipients, {
      persist,
      hasProfiles: this.profiles() !== null,
      mayBeRepeat: terms.idempotencyKey !== null,
      attachments: this.settings.attachments,
      recipientAttachments: this.settings.recipientAttachments,
      isInTransaction: transaction !== null,
      text: this.settings.templates.text,
      senders: this.senders,
    });
    if (transaction) {
      const acceptInside = (): Promise<TransactionalMailingHandle> =>
        this.#sendInside(transaction, checked, slots, options);
      return this.context.begin(() => this.intake.counted(acceptInside));
    }
    const accept = async (): Promise<MailingHandle> =>
      (await this.intake.findRepeat(terms)) ?? (await this.#send(checked, slots, options));
    const handle = await this.context.begin(() => this.intake.counted(accept));
    if (!runInSeparateThread) await handle.completed;
    return handle;
  }

  /**
   * Sends one e-mail to one address or profile: a mailing with a list of one. For a new password, a new account and the like.
   *
   * @param user one recipient; one that can't be mailed ends as `skipped`, as in a list.
   * @param options `params` are added to those of the info, and win over them; the others are those of `sendEmailMessage`, so `persist` is true
   * unless it is said to be false.
   *
   * @throws InvalidArgumentError if `user` is a list, or neither a text nor an object, or if `options` is no object; InvalidFieldError if `params` is
   * no plain object; the errors of `sendEmailMessage`.
   * @example
   * ```ts
   * const info = { templateUrl: 'new-password.hbs', subject: 'Your new password', from: 'service@shop.example' };
   * await sender.sendEmailToUser(info, { userId: 'c-17' }, { params: { link: 'https://shop.example/p/81' } });
   * ```
   */
  async sendEmailToUser(
    info: TemplateEmailRequest,
    user: Recipient,
    options: EmailToUserOptions & TransactionalSendOptions,
  ): Promise<TransactionalMailingHandle>;
  async sendEmailToUser(
    info: TemplateEmailRequest,
    user: Recipient,
    options?: EmailToUserOptions,
  ): Promise<MailingHandle>;
  async sendEmailToUser(
    info: TemplateEmailRequest,
    user: Recipient,
    options: EmailToUserOptions = {},
  ): Promise<MailingHandle | TransactionalMailingHandle> {
    checkUser(user);
    // A boolean would be `runInSeparateThread` of the other form, in which nothing is persisted.
    if (!isPlainObject(options))
      throw new InvalidArgumentError('sendEmailToUser: options', 'an object', options);
    const { params, ...how } = options;
    if (params === undefined) return this.sendEmailMessage(info, [user], how);
    if (!isPlainObject(params)) throw new InvalidFieldError('params', 'a plain object', params, 'options');
    // An info that is no object is refused below, with all other requests.
    const isRefused = typeof info !== 'object' || info === null || !isPlainObject(info.params ?? {});
    const merged = isRefused ? info : { ...info, params: { ...info.params, ...params } };
    return this.sendEmailMessage(merged, [user], how);
  }

  /**
   * Pauses a mailing, from any server and in any state; harmless when repeated. Messages in flight are finished and no more are begun: on this server
   * at once, on another one from its next commit or heartbeat on. A list that is being written is completed and then waits.
   *
   * @returns the state: `paused`, `pausing` while messages are in flight, or a final state that was reached before.
   * @throws MailingNotFoundError if there is no such mailing; InvalidArgumentError if the id is not a valid one.
   *
   * @example
   * ```ts
   * await sender.pause(mailingId);
   * ```
   */
  async pause(mailingId: string): Promise<MailingStatus> {
    checkMailingId('pause: mailingId', mailingId);
    return this.context.begin(() => this.commands.pause(mailingId));
  }

  /**
   * Lets a paused mailing go on, whatever paused it, and begins an overdue one; harmless when repeated: however many callers, one run begins. The
   * mailing goes on here if no server works on it.
   *
   * @returns the state; `pending` if it is about to go on.
   * @throws MailingNotFoundError if there is no such mailing; InvalidArgumentError if the id is not a valid one.
   *
   * @example
   * ```ts
   * await sender.resume(mailingId);
   * ```
   */
  async resume(mailingId: string): Promise<MailingStatus> {
    checkMailingId('resume: mailingId', mailingId);
    return this.context.begin(() => this.commands.resume(mailingId));
  }

  /**
   * Ends a mailing before its last recipient, from any server and in any state: while its list is being written, while the mail server is down, while
   * it is paused; harmless when repeated. Messages in flight are finished and recorded; recipients that were not reached stay `pending` or
   * `deferred`.
   *
   * @returns the state: `canceled`, `canceling` while messages are in flight, or a final state that was reached before.
   * @throws MailingNotFoundError if there is no such mailing; InvalidArgumentError if the id is not a valid one.
   *
   * @example
   * ```ts
   * await sender.cancel(mailingId);
   * ```
   */
  async cancel(mailingId: string): Promise<MailingStatus> {
    checkMailingId('cancel: mailingId', mailingId);
    return this.context.begin(() => this.commands.cancel(mailingId));
  }

  /**
   * Takes up a canceled mailing, or one whose list failed: recipients without an outcome are sent to, all others keep theirs. Of a list that failed, only
   * what was written is there. Harmless in any other state, also in `canceling`.
   *
   * @returns the state of the mailing afterwards.
   * @throws MailingNotFoundError if there is no such mailing; InvalidArgumentError if the id is not a valid one.
   *
   * @example
   * ```ts
   * await sender.continueMailing(mailingId);
   * ```
   */
  async continueMailing(mailingId: string): Promise<MailingStatus> {
    checkMailingId('continueMailing: mailingId', mailingId);
    return this.context.begin(() => this.commands.continueMailing(mailingId));
  }

  /**
   * Tries again recipients that ended with an error, in doubt, or skipped; recipients that were sent to are left alone. A completed mailing is reopened
   * for it, a paused one stays paused.
   *
   * @param which `errors`: recipients that the mail server refused, or whose message could not be rendered. `in_doubt`: recipients whose message the
   * mail server may have accepted, so they may get a second copy, under the same `Message-ID`. `skipped`: recipients that were not mailed for what was
   * known of them then (suppressed, opted out, mailed recently), judged by what is known now; entries that are no usable address stay skipped.
   * @returns how many recipients are tried again.
   * @throws MailingNotFoundError if there is no such mailing; MailingEndedError if it was canceled or has failed; InvalidArgumentError if `which` is
   * another word, or the id is not a valid one.
   *
   * @example
   * ```ts
   * const count = await sender.retry(mailingId, 'errors');
   * ```
   */
  async retry(mailingId: string, which: 'errors' | 'in_doubt' | 'skipped'): Promise<number> {
    checkMailingId('retry: mailingId', mailingId);
    checkOneOf('retry: which', ['errors', 'in_doubt', 'skipped'], which);
    return this.context.begin(() => this.commands.retry(mailingId, which === 'errors' ? 'error' : which));
  }

  /**
   * Settles all recipients in doubt with the outcome that the caller found out, sends nothing, and corrects the counters.
   *
   * @param as what became of their messages.
   * @returns how many were settled.
   * @throws MailingNotFoundError if there is no such mailing; InvalidArgumentError if `as` is another word, or the id is not a valid one.
   *
   * @example
   * ```ts
   * await sender.settleInDoubt(mailingId, 'sent');
   * ```
   */
  async settleInDoubt(mailingId: string, as: 'sent' | 'error'): Promise<number> {
    checkMailingId('settleInDoubt: mailingId', mailingId);
    checkOneOf('settleInDoubt: as', ['sent', 'error'], as);
    return this.context.begin(() => this.commands.settleInDoubt(mailingId, as));
  }

  async #send(
    checked: CheckedRequest,
    slots: SlotFilling,
    options: CheckedSendOptions,
  ): Promise<MailingHandle> {
    const { recipients } = checked;
    const { info, template, terms } = await this.#open(checked, slots, options);
    if (!options.persist) return this.#sendUnpersisted(info, template, recipients);
    return this.intake.accept(info, recipients, terms, template.content);
  }

  async #sendInside(
    transaction: EntityManager,
    checked: CheckedRequest,
    slots: SlotFilling,
    options: CheckedSendOptions,
  ): Promise<TransactionalMailingHandle> {
    const { info, template, terms } = await this.#open(checked, slots, options);
    return this.transactions.accept(transaction, info, checked.recipients, terms, template.content);
  }

  /** Reads templates, attachments and, if the mailing is not persisted, the contents of slots. */
  async #open(
    checked: CheckedRequest,
    slots: SlotFilling,
    { runInSeparateThread, persist, terms }: CheckedSendOptions,
  ): Promise<OpenedRequest & { terms: MailingTerms }> {
    const { info, template } = await openRequest(this.renderer, checked);
    const shown = await this.slots.shownBy(template, info, slots, { persist, runInSeparateThread });
    // Not persisted: the slot source is read here, so that a failing source rejects this call and does not fail the run.
    info.slots = persist || !shown ? shown : await this.intake.holdSlots(shown);
    // The process may have begun to stop while attachments and slots were read.
    if (this.intake.isStopping) throw new ServerShuttingDownError(this.settings.uniqServerId);
    return { info, template, terms: { ...terms, batchSize: this.#batchSize(info) } };
  }

  #batchSize({ batched, batchSize }: TemplateEmailInfo): number | null {
    const { batchIfPossible, emailsPerBatch } = this.settings.batch;
    return (batched ?? batchIfPossible) ? (batchSize ?? emailsPerBatch) : null;
  }

  #sendUnpersisted(
    info: TemplateEmailInfo,
    template: MailingTemplate,
    recipients: Recipients,
  ): MailingHandle {
    const completed = this.launcher.launchUnpersisted(info, template, recipients);
    completed.catch(() => undefined);
    return { mailingId: null, numProfiles: null, numDuplicates: null, isRepeat: false, completed };
  }
}
