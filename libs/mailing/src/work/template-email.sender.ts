import { setTimeout as delay } from 'node:timers/promises';
import type { FaultPoints } from '../model/fault-points.js';
import type { MailingEvents } from '../model/mailing-event.js';
import type { MailingHandle } from '../model/mailing-handle.js';
import type { MailingSettings } from '../model/mailing-options.js';
import type { ProfileRepository } from '../model/profile.repository.js';
import type { Recipients } from '../model/recipient.js';
import {
  RecipientListError,
  ServerStandingByError,
  ServerStoppingError,
  TemplateEmailRefusal,
} from '../model/refusal.errors.js';
import type { TemplateEmailInfo } from '../model/template-email-info.js';
import type { TemplateRenderer } from '../delivery/template.renderer.js';
import type { TemplateEmailPersister } from '../store/template-email.persister.js';
import type { MailingLauncher } from './mailing-launcher.js';
import { checkRequest } from './mailing-request.check.js';
import { RecipientListWriter, type WrittenList } from './recipient-list.writer.js';
import type { ServerMembership } from './server-membership.js';

/** How a mailing is sent. */
export interface SendOptions {
  /** False: resolves when the mailing is finished. True: as soon as the request is safe. Default: true. */
  runInSeparateThread?: boolean;
  /** True: written to the database first, and survives anything. False: a crash loses the rest. Default: false. */
  persist?: boolean;
}

/** Sends one templated e-mail to many people. */
export class TemplateEmailSender {
  readonly #stop = new AbortController();
  readonly #lists = new Set<Promise<unknown>>();

  constructor(
    private readonly settings: MailingSettings,
    private readonly persister: TemplateEmailPersister,
    private readonly membership: ServerMembership,
    private readonly launcher: MailingLauncher,
    private readonly renderer: TemplateRenderer,
    private readonly profiles: () => ProfileRepository | null,
    private readonly events: MailingEvents,
    private readonly faultPoints: FaultPoints,
  ) {}

  /**
   * Sends one mailing.
   *
   * With `persist` true the mailing and its recipients are written to the database first; from then on no kill, restart or
   * outage loses a recipient or sends anybody a second copy. With `persist` false nothing is written, and a crash loses
   * the rest.
   *
   * With `runInSeparateThread` true the promise resolves as soon as the request is safe (written down, or queued in
   * memory), with false when the mailing is finished.
   *
   * @param info what is sent; copied, so the object may be used again at once.
   * @param recipients who gets it, in order of sending: addresses and profile ids, mixed as they come, from an array or
   * any iterable or async iterable. Whoever is listed twice gets one copy. An address that can't be parsed costs that
   * recipient only; an empty list is a mailing that completes at once.
   * @param runInSeparateThread default: true.
   * @param persist default: false.
   *
   * @throws UnknownRecipientsError if `recipients` can't be iterated over.
   * @throws MissingFieldError, InvalidFieldError if a field of the info is missing or of another shape.
   * @throws InvalidHeaderAddressError if from, reply-to, cc or bcc can't be parsed.
   * @throws HeaderLineBreakError if a header value holds a line break or another control character.
   * @throws TemplateMissingError, TemplateOutsideFolderError, TemplateNotCompilingError if a template can't be used.
   * @throws UnstorableValueError if `persist` is true and parameters can't be stored as JSON.
   * @throws ProfileRepositoryMissingError for a profile id where the host gave no `profileRepository`.
   * @throws ServerStoppingError during shutdown; ServerStandingByError if another live process has our server id.
   * @throws RecipientListError if the source of recipients fails half-way; the mailing is then `failed`, mails nobody.
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
    info: TemplateEmailInfo,
    recipients: Recipients,
    runInSeparateThread?: boolean,
    persist?: boolean,
  ): Promise<MailingHandle>;
  async sendEmailMessage(
    info: TemplateEmailInfo,
    recipients: Recipients,
    options: SendOptions,
  ): Promise<MailingHandle>;
  async sendEmailMessage(
    info: TemplateEmailInfo,
    recipients: Recipients,
    how: boolean | SendOptions = true,
    persistArgument = false,
  ): Promise<MailingHandle> {
    const options = typeof how === 'boolean' ? { runInSeparateThread: how, persist: persistArgument } : how;
    const { runInSeparateThread = true, persist = false } = options;
    if (this.#stop.signal.aborted) throw new ServerStoppingError(this.settings.uniqServerId);
    const copy = await checkRequest(info, recipients, { persist, hasProfiles: this.profiles() !== null });
    // Opening tries each template once; the run opens them again, at whatever time and place that will be.
    await this.renderer.open(copy);
    const handle = persist ? await this.#persist(copy, recipients) : this.#sendUnpersisted(copy, recipients);
    if (!runInSeparateThread) await handle.completed;
    return handle;
  }

  /**
   * Takes no new mailing any more and ends lists in mid-writing; their mailings become `failed`. A source that yields
   * nothing is not waited for longer than `shutdownTimeoutMs`: its mailing is called failed by the next start.
   */
  async stop(): Promise<void> {
    this.#stop.abort(new ServerStoppingError(this.settings.uniqServerId));
    if (this.#lists.size === 0) return;
    const timer = new AbortController();
    const patience = delay(this.settings.server.shutdownTimeoutMs, undefined, { signal: timer.signal });
    await Promise.race([Promise.allSettled(this.#lists), patience]);
    timer.abort();
    await patience.catch(() => undefined);
  }

  #sendUnpersisted(info: TemplateEmailInfo, recipients: Recipients): MailingHandle {
    const completed = this.launcher.launchUnpersisted(info, recipients);
    completed.catch(() => undefined);
    return { mailingId: null, numProfiles: null, numDuplicates: null, completed };
  }

  async #persist(info: TemplateEmailInfo, recipients: Recipients): Promise<MailingHandle> {
    const standing = this.membership.incarnation ? 'member' : await this.membership.beat();
    if (standing !== 'member') throw new ServerStandingByError(this.settings.uniqServerId);
    const claimToken = this.membership.nextClaimToken();
    const mailingId = await this.persister.createMailing(info, this.settings.uniqServerId, claimToken);
    this.faultPoints.reach('afterMailingCreated');
    const writing = this.#writeList(mailingId, claimToken, recipients);
    this.#lists.add(writing);
    const list = await writing.finally(() => this.#lists.delete(writing));
    this.events.emit('list:written', { mailingId, ...list });
    const completed = this.launcher.launch({ mailingId, status: 'pending', claimToken: null });
    completed.catch(() => undefined);
    return { mailingId, numProfiles: list.numProfiles, numDuplicates: list.numDuplicates, completed };
  }

  async #writeList(mailingId: string, claimToken: string, recipients: Recipients): Promise<WrittenList> {
    const hasProfiles = this.profiles() !== null;
    const writer = new RecipientListWriter(
      this.persister,
      mailingId,
      claimToken,
      hasProfiles,
      this.faultPoints,
    );
    try {
      return await writer.write(recipients, this.#stop.signal);
    } catch (error) {
      const reason = `list incomplete: ${error instanceof Error ? error.message : String(error)}`;
      await this.persister.failList(mailingId, claimToken, reason);
      this.events.emit('list:failed', { mailingId, reason });
      throw error instanceof TemplateEmailRefusal ? error : new RecipientListError(mailingId, error);
    }
  }
}
