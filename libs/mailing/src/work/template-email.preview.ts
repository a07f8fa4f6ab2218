import { randomUUID } from 'node:crypto';
import type { EmailMessage } from '../model/ports/email-message.sender.js';
import type { NamedSenders } from '../delivery/transport/named.senders.js';
import { checkedHandOver } from '../delivery/transport/hand-over.check.js';
import { type Mailbox, parseMailbox } from '../model/addresses/email-address.js';
import { MailingDelivery } from '../delivery/mailing.delivery.js';
import { debugHeaders } from '../delivery/mime/debug-headers.js';
import type { RecipientGate } from '../delivery/recipients/recipient.gate.js';
import type { TemplateRenderer } from '../model/ports/template.renderer.js';
import { HostMade } from '../delivery/recipients/host-made.js';
import { UnsubscribeLinks } from '../delivery/recipients/unsubscribe.links.js';
import { AsyncContext, type ModuleContext } from '../model/host-calls/async-context.js';
import { checkFilter } from '../model/errors/argument.check.js';
import { InvalidArgumentError } from '../model/errors/argument.errors.js';
import { noFaultPoints } from '../model/ports/fault-points.js';
import { cutText } from '../model/values/bounded-text.js';
import { askHost } from '../model/host-calls/host-call.js';
import { publicReasonOf } from '../model/values/public-text.js';
import { type InvalidEntry, toListedRecipient } from '../model/mail/listed-recipient.js';
import type { MailingSettings } from '../model/options/mailing-options.js';
import type { ProfileRepository } from '../model/ports/profile.repository.js';
import { ProofNotSentError, RecipientSkippedError } from '../model/errors/preview.errors.js';
import type { MarkedRecipient, Recipient, Recipients } from '../model/mail/recipient.js';
import type { DryRunOptions, DryRunReport } from '../model/reports/dry-run.report.js';
import { heldFilling, type SlotFilling, toFilling } from '../model/mail/slot-filling.js';
import { beginReading } from '../model/host-calls/source-reading.js';
import type { SourceWatch } from '../model/host-calls/source-watch.js';
import type { TemplateEmailInfo, TemplateEmailRequest } from '../model/mail/template-email-info.js';
import { type CheckedRequest, checkRequest } from './intake/mailing-request.check.js';
import { MemoryDuplicateGate } from './recipients/memory-duplicate.gate.js';
import { openRequest } from './intake/opened-request.js';
import type { ProcessingOf } from './execution/slice.runner.js';
import type { ProfileRecorder } from './recipients/profile.recorder.js';
import type { SlotRegistry } from './intake/slot.registry.js';
import { MemorySlots } from './intake/slot.sources.js';
import type { SourceWatches } from './intake/source-watches.js';

const RECIPIENTS_AT_A_TIME = 100;
/** A sender has this long to answer after its message was given up. */
const GRACE_MS = 1_000;
const MAX_REASONS = 100;
const MAX_REASON = 200;

/** A preview never hands a message over. */
const NO_SENDER = {
  send: () => Promise.reject(new Error('A preview sends nothing.')),
  probe: () => Promise.resolve(null),
};

/** A request, copied in the context of the caller. */
interface RequestedDryRun {
  given: SlotFilling;
  checked: CheckedRequest;
}

/** Shows what a mailing would send: one recipient's message, also as a proof to another address, or the totals of all. Writes nothing. */
export class TemplateEmailPreview {
  constructor(
    private readonly settings: Pick<
      MailingSettings,
      | 'addresses'
      | 'attachments'
      | 'debugHeaders'
      | 'envelopeFrom'
      | 'recipientAttachments'
      | 'messageHeaders'
      | 'run'
      | 'templates'
      | 'uniqServerId'
      | 'unsubscribe'
    >,
    private readonly senders: NamedSenders,
    private readonly renderer: TemplateRenderer,
    private readonly profiles: () => ProfileRepository | null,
    private readonly recorder: ProfileRecorder,
    private readonly checkingGates: () => RecipientGate[],
    private readonly processing: ProcessingOf,
    private readonly slots: SlotRegistry,
    private readonly sources: SourceWatches,
    private readonly context: ModuleContext,
  ) {}

  /**
   * The finished message of one recipient, as it would be handed over now.
   *
   * @throws RecipientSkippedError if the recipient would not be mailed; the errors of its template; the refusals of `sendEmailMessage`.
   *
   * @example
   * ```ts
   * const info = { templateUrl: 'newsletter.hbs', subject: 'Hello {{name}}', from: 'news@shop.example' };
   * const { subject, html } = await previews.preview(info, { email: 'ann@home.example', name: 'Ann' });
   * ```
   */
  async preview(info: TemplateEmailRequest, recipient: Recipient): Promise<EmailMessage> {
    const asked = this.#asked(info, [recipient]);
    return this.context.begin(() => this.#preview(asked, recipient));
  }

  /**
   * Sends the message that one recipient would get to another address. Its subject begins with `[Proof]`, and it has the header `X-Mailing-Proof`.
   * Nothing counts it, cc and bcc of the mailing get no copy, and its unsubscribe link is one of `to`.
   *
   * @param to one address, with or without a name.
   * @throws InvalidArgumentError if `to` is none; ProofNotSentError if the mail server does not accept the message; HostSilentError if a
   * sender of the host does not answer; the errors of `preview`.
   *
   * @example
   * ```ts
   * const info = { templateUrl: 'newsletter.hbs', subject: 'Hello {{name}}', from: 'news@shop.example' };
   * await previews.sendProof(info, { email: 'ann@home.example', name: 'Ann' }, 'editor@shop.example');
   * ```
   */
  async sendProof(info: TemplateEmailRequest, recipient: Recipient, to: string): Promise<void> {
    const mailbox = parseMailbox(to);
    if (!mailbox) throw new InvalidArgumentError('sendProof: to', 'one e-mail address', to);
    const asked = this.#asked(info, [recipient]);
    await this.context.begin(async () => {
      const message = proofOf(await this.#preview(asked, recipient, mailbox), mailbox);
      const timeoutMs = this.settings.run.messageTimeoutMs;
      const answer = await askHost({ call: 'EmailMessageSender.send', timeoutMs: timeoutMs + GRACE_MS }, () =>
        this.senders.of(asked.checked.info.transporterName).send(message, AbortSignal.timeout(timeoutMs)),
      );
      const handOver = checkedHandOver(answer);
      if (handOver.kind !== 'accepted') throw new ProofNotSentError(handOver.kind, handOver.text);
    });
  }

  /** @param reader whose unsubscribe link the message has; default: the recipient's. */
  async #preview(asked: RequestedDryRun, recipient: Recipient, reader?: Mailbox): Promise<EmailMessage> {
    const delivery = await this.sources.during('preview', (watch) => this.#delivery(asked, watch, reader));
    const one = this.#marked(recipient, 0);
    if ('reason' in one) throw new RecipientSkippedError(one.reason, one.text);
    const [prepared] = await delivery.prepare([one]);
    if ('skip' in prepared.addressee)
      throw new RecipientSkippedError(prepared.addressee.skip, prepared.addressee.text);
    return delivery.compose(prepared.idx, prepared.addressee);
  }

  /**
   * Renders the message of each recipient and counts the outcomes, including duplicates. For that it keeps the keys of all addresses, about 100 bytes
   * each, and nothing else of the list.
   *
   * @throws InvalidArgumentError for wrong options; the refusals of `sendEmailMessage`, ServerShuttingDownError also if the process ends meanwhile;
   * errors of the list, the profiles or the suppression list; what `onProgress` throws or rejects with, HostSilentError if it does not end in time.
   *
   * @example
   * ```ts
   * const info = { templateUrl: 'newsletter.hbs', subject: 'Hello {{name}}', from: 'news@shop.example' };
   * const { numMessages, skipped, failed } = await previews.dryRun(info, ['ann@home.example', 'not an address']);
   * ```
   */
  async dryRun(
    info: TemplateEmailRequest,
    recipients: Recipients,
    options: DryRunOptions = {},
  ): Promise<DryRunReport> {
    checkFilter('dryRun: options', options);
    const { onProgress } = options;
    if (onProgress !== undefined && typeof onProgress !== 'function')
      throw new InvalidArgumentError('dryRun: onProgress', 'a function, or left out', onProgress);
    const asked = this.#asked(info, recipients);
    const caller = new AsyncContext();
    const tell: DryRunOptions['onProgress'] =
      onProgress && ((report) => caller.run(() => onProgress(report)));
    const judge = async (watch: SourceWatch): Promise<DryRunReport> => {
      const delivery = await this.#delivery(asked, watch);
      return this.#judgeAll(delivery, beginReading(asked.checked.recipients, 'recipients', watch), tell);
    };
    return this.context.begin(() => this.sources.during('preview', judge));
  }

  async #judgeAll(
    delivery: MailingDelivery,
    recipients: AsyncIterable<Recipient>,
    onProgress: DryRunOptions['onProgress'],
  ): Promise<DryRunReport> {
    const report: DryRunReport = { numRecipients: 0, numMessages: 0, skipped: {}, failed: {} };
    let chunk: MarkedRecipient[] = [];
    const look = async (): Promise<void> => {
      await judge(delivery, chunk, report);
      chunk = [];
      if (!onProgress) return;
      const terms = { call: 'onProgress', timeoutMs: this.settings.run.hostCallTimeoutMs };
      await askHost(terms, () => onProgress(structuredClone(report)));
    };
    for await (const recipient of recipients) {
      const one = this.#marked(recipient, report.numRecipients++);
      if ('reason' in one) report.skipped[one.reason] = (report.skipped[one.reason] ?? 0) + 1;
      else chunk.push(one);
      if (report.numRecipients % RECIPIENTS_AT_A_TIME === 0) await look();
    }
    if (report.numRecipients === 0 || report.numRecipients % RECIPIENTS_AT_A_TIME !== 0) await look();
    return report;
  }

  #marked(recipient: Recipient, idx: number): MarkedRecipient | InvalidEntry {
    const listed = toListedRecipient(recipient, false, this.settings.addresses.keyOf);
    if (listed.kind === 'invalid') return listed;
    if (listed.kind === 'profile') return { idx, userId: listed.userId };
    return { idx, email: listed.email, name: listed.name ?? undefined, data: listed.data ?? undefined };
  }

  #asked(request: TemplateEmailRequest, recipients: Recipients): RequestedDryRun {
    const { attachments, recipientAttachments, templates } = this.settings;
    const persist = request?.batched === true;
    const how = {
      persist,
      hasProfiles: this.profiles() !== null,
      mayBeRepeat: false,
      attachments,
      recipientAttachments,
      text: templates.text,
      senders: this.senders,
    };
    const given = this.slots.take(request?.slots);
    return { given, checked: checkRequest(request as TemplateEmailInfo, recipients, how) };
  }

  async #delivery(
    { given, checked }: RequestedDryRun,
    watch: SourceWatch,
    reader?: Mailbox,
  ): Promise<MailingDelivery> {
    const { run, debugHeaders: debug, uniqServerId } = this.settings;
    const profiles = this.profiles();
    const { info, template } = await openRequest(this.renderer, checked);
    const filled = await this.slots.shownBy(template, info, given, {
      persist: false,
      runInSeparateThread: false,
    });
    const links = UnsubscribeLinks.of(this.settings.unsubscribe, null, info);
    return new MailingDelivery(randomUUID(), info, template, {
      sender: NO_SENDER,
      profiles,
      fatigue: this.recorder.fatigue,
      gates: [...this.checkingGates(), new MemoryDuplicateGate(this.settings.addresses.keyOf)],
      hostMade: HostMade.of(this.settings, null, info),
      // A click in a proof must not unsubscribe the recipient.
      links:
        links && reader
          ? { linkFor: (idx, _email, _userId, terms) => links.linkFor(idx, reader.address, undefined, terms) }
          : links,
      slots: template.slots?.length
        ? new MemorySlots(await heldFilling(toFilling(filled), watch), this.slots)
        : null,
      processing: this.processing(null, info),
      debugHeaders: debug ? debugHeaders(uniqServerId, process.pid, null) : {},
      messageTimeoutMs: run.messageTimeoutMs,
      hostCallTimeoutMs: run.hostCallTimeoutMs,
      faultPoints: noFaultPoints,
    });
  }
}

function proofOf(message: EmailMessage, to: Mailbox): EmailMessage {
  const headers = { ...message.headers, 'X-Mailing-Proof': 'yes' };
  return { ...message, to, cc: undefined, bcc: undefined, subject: `[Proof] ${message.subject}`, headers };
}

async function judge(
  delivery: MailingDelivery,
  recipients: MarkedRecipient[],
  report: DryRunReport,
): Promise<void> {
  for (const { idx, addressee } of await delivery.prepare(recipients)) {
    if ('skip' in addressee) {
      report.skipped[addressee.skip] = (report.skipped[addressee.skip] ?? 0) + 1;
      continue;
    }
    try {
      await delivery.compose(idx, addressee);
      report.numMessages++;
    } catch (error) {
      const told = cutText(publicReasonOf(error), MAX_REASON);
      const isNew = !(told in report.failed) && Object.keys(report.failed).length >= MAX_REASONS;
      const reason = isNew ? 'other' : told;
      report.failed[reason] = (report.failed[reason] ?? 0) + 1;
    }
  }
}
