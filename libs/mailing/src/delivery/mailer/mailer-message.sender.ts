import { domainToASCII } from 'node:url';
import { type ISendMailOptions, MailerService } from '@nestjs-modules/mailer';
import type { SendMailOptions, Transporter } from 'nodemailer';
import type { MailingEvents } from '../../model/reports/mailing-event.js';
import { verifyTransporter } from './verify-transporter.js';
import { publicReasonOf } from '../../model/values/public-text.js';
import { classifyFailure } from '../transport/classify-failure.js';
import {
  type EmailMessage,
  type HandOver,
  type PreparedSender,
  PROBE_TIMEOUT_MS,
} from '../transport/email-message.sender.js';
import { findTransporter } from './find-transporter.js';
import { TransmissionProbe } from './transmission.probe.js';
import { isAscii } from '../mime/is-ascii.js';
import { isMoreThanLetter, MessageEncoder } from '../mime/message.encoder.js';
import { TemplateAdapterBypass } from './template-adapter.bypass.js';
import { additionsOf } from './transporter-plugins.js';

/** What lies under a transporter. */
interface Transport {
  name?: string;
  options?: TransportOptions;
}
interface TransportOptions {
  /** What a pooled transport has and a plain one has not. */
  maxRequeues?: number;
  attachDataUrls?: unknown;
  normalizeHeaderKey?: unknown;
}

/** What nodemailer tells, in its answer or its error, about addresses that were refused. */
interface Rejections {
  rejected?: unknown[];
  rejectedErrors?: unknown[];
}

/** The mailer keeps to itself whether it has an adapter. */
interface Adapted {
  templateAdapter?: unknown;
}

/**
 * Hands messages to the host's `MailerService`, so the host's transports, plugins, DKIM and defaults apply.
 *
 * Messages go in finished: `html` and `text`, never `template` or `context`, because the mailer would insert a context
 * unescaped, and a missing template ends the process inside its adapters. Where nothing of the host's has a say in what a
 * message looks like, it is given as its bytes beside that (`raw`), composed here: composing is most of what a message
 * costs there. Connections, login, signatures and events are the mailer's in any case.
 */
export class MailerMessageSender implements PreparedSender {
  readonly #pastAdapter = new TemplateAdapterBypass();
  readonly #encoder = new MessageEncoder('nodemailer');

  constructor(
    private readonly mailer: MailerService,
    private readonly transporterName: string | null,
    private readonly events: MailingEvents,
    private readonly probeTimeoutMs = PROBE_TIMEOUT_MS,
  ) {}

  /**
   * Prepares the host's transport: evidence of hand-over, and no repetition behind our back. A pool that queues a message
   * again after its connection broke would send a second copy of what the server had already taken.
   *
   * @throws TransporterMissingError if the mailer has no such transport.
   */
  prepare(): void {
    const transporter = this.#transporter();
    TransmissionProbe.equip(transporter);
    if ((this.mailer as unknown as Adapted).templateAdapter) this.#pastAdapter.equip(transporter);
    const pool = (transporter.transporter as Transport).options;
    if (pool?.maxRequeues) {
      this.events.emit('pool:requeues-disabled', {
        transporterName: this.transporterName,
        was: pool.maxRequeues,
      });
      pool.maxRequeues = 0;
    }
  }

  async send(message: EmailMessage, signal: AbortSignal): Promise<HandOver> {
    const probe = new TransmissionProbe(await this.#bytesOf(message));
    const options = probe.attachTo(
      this.#pastAdapter.lead({ ...(message as SendMailOptions), signal } as SendMailOptions),
    );
    // The mailer would give up on its own, and say nothing of what became of a message that may still go out.
    (options as ISendMailOptions).timeout = 0;
    if (this.transporterName) (options as ISendMailOptions).transporterName = this.transporterName;
    try {
      const info = (await this.mailer.sendMail(options as ISendMailOptions)) as Rejections;
      const refusal = ownRefusal(message, info, { code: 'EENVELOPE', message: 'refused' });
      return refusal === null ? { kind: 'accepted' } : classifyFailure(refusal, 'session');
    } catch (error) {
      return classifyFailure(ownRefusal(message, error as Rejections, error) ?? error, probe.reached);
    }
  }

  async probe(): Promise<string | null> {
    try {
      return await verifyTransporter(this.#transporter(), this.probeTimeoutMs);
    } catch (error) {
      return publicReasonOf(error);
    }
  }

  /** @returns null where nodemailer has to compose it. */
  async #bytesOf(message: EmailMessage): Promise<Buffer | null> {
    try {
      if (!hasPlainAddresses(message) || !this.#isLeftAlone()) return null;
      const attachments = isMoreThanLetter(message) ? await this.#encoder.attachmentsOf(message) : [];
      if (attachments === null) return null;
      const { pieces } = this.#encoder.letter(message, false, attachments);
      return Buffer.concat(pieces.map((one) => (typeof one === 'string' ? Buffer.from(one, 'latin1') : one)));
    } catch {
      // nodemailer says what is wrong with it, as it always did.
      return null;
    }
  }

  /** Asked for each message: plugins may be added at any time. */
  #isLeftAlone(): boolean {
    const transporter = this.#transporter();
    const { name = '', options } = transporter.transporter as Transport;
    if (!/^SMTP\b/.test(name) || !options || options.attachDataUrls || options.normalizeHeaderKey)
      return false;
    // A mailer of the host's own making may change what it is given.
    if (this.mailer.sendMail !== MailerService.prototype.sendMail) return false;
    return additionsOf(transporter, this.mailer) === null;
  }

  #transporter(): Transporter {
    return findTransporter(this.mailer, this.transporterName);
  }
}

/** Others need SMTPUTF8, and header lines as nodemailer writes them then. */
function hasPlainAddresses({ from, to, replyTo = [], cc = [], bcc = [] }: EmailMessage): boolean {
  return [from, to, ...replyTo, ...cc, ...bcc].every(({ address }) => isAscii(address));
}

/**
 * With cc or bcc a message is sent as soon as one address is taken, and refused with the answer to any of them where none is;
 * what counts is the answer to the recipient's own.
 */
function ownRefusal(
  message: EmailMessage,
  told: Rejections | null | undefined,
  unexplained: unknown,
): unknown {
  const recipient = toAscii(message.to.address);
  const rejected: unknown[] = Array.isArray(told?.rejected) ? told.rejected : [];
  const at = rejected.findIndex((one) => toAscii(addressOf(one)) === recipient);
  return at < 0 ? null : (told?.rejectedErrors?.[at] ?? unexplained);
}

function addressOf(value: unknown): string {
  return typeof value === 'string' ? value : String((value as { address?: unknown })?.address);
}

/** With a local part that is not ASCII, nodemailer turns the domain back into Unicode. */
function toAscii(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  return address.slice(0, at) + domainToASCII(address.slice(at));
}
