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
} from '../../model/ports/email-message.sender.js';
import { findTransporter } from './find-transporter.js';
import { TransmissionProbe } from './transmission.probe.js';
import { isAscii } from '../mime/is-ascii.js';
import { isMoreThanLetter, MessageEncoder } from '../mime/message.encoder.js';
import { TemplateAdapterBypass } from './template-adapter.bypass.js';
import { additionsOf } from './transporter-plugins.js';

/** The transport of a transporter. */
interface Transport {
  name?: string;
  options?: TransportOptions;
}
interface TransportOptions {
  /** Only a pooled transport has it. */
  maxRequeues?: number;
  attachDataUrls?: unknown;
  normalizeHeaderKey?: unknown;
}

/** What nodemailer reports, in its answer or its error, about refused addresses. */
interface Rejections {
  rejected?: unknown[];
  rejectedErrors?: unknown[];
}

/** Private field of the mailer: its template adapter, if any. */
interface Adapted {
  templateAdapter?: unknown;
}

/**
 * Hands messages to the host's `MailerService`, so the host's transports, plugins, DKIM and defaults apply.
 *
 * Messages are passed finished: `html` and `text`, never `template` or `context`, because the mailer would insert a context unescaped, and a
 * missing template ends the process inside its adapters. If nothing of the host's can change a message, its bytes are composed here and passed as
 * well (`raw`): composing is most of what a message costs in nodemailer. Connections, login, signatures and events are always the mailer's.
 */
export class MailerMessageSender implements PreparedSender {
  readonly #bypass = new TemplateAdapterBypass();
  readonly #encoder = new MessageEncoder('nodemailer');

  constructor(
    private readonly mailer: MailerService,
    private readonly transporterName: string | null,
    private readonly events: MailingEvents,
    private readonly probeTimeoutMs = PROBE_TIMEOUT_MS,
  ) {}

  /**
   * Prepares the host's transport: adds the probe for evidence of hand-over, and turns off the requeues of a pool. A pool that requeues a message
   * after its connection broke would send a second copy of what the server had already accepted.
   *
   * @throws TransporterMissingError if the mailer has no such transport.
   */
  prepare(): void {
    const transporter = this.#transporter();
    TransmissionProbe.equip(transporter);
    if ((this.mailer as unknown as Adapted).templateAdapter) this.#bypass.equip(transporter);
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
      this.#bypass.apply({ ...(message as SendMailOptions), signal } as SendMailOptions),
    );
    // With a timeout, the mailer would give up by itself and not report what became of a message that may still be sent.
    (options as ISendMailOptions).timeout = 0;
    if (message.envelopeFrom) (options as ISendMailOptions).envelope = envelopeOf(message);
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

  /** @returns null if nodemailer has to compose the message. */
  async #bytesOf(message: EmailMessage): Promise<Buffer | null> {
    try {
      if (!hasPlainAddresses(message) || !this.#isLeftAlone()) return null;
      const attachments = isMoreThanLetter(message) ? await this.#encoder.attachmentsOf(message) : [];
      if (attachments === null) return null;
      const { pieces } = this.#encoder.letter(message, false, attachments);
      return Buffer.concat(pieces.map((one) => (typeof one === 'string' ? Buffer.from(one, 'latin1') : one)));
    } catch {
      // nodemailer then composes it and reports what is wrong.
      return null;
    }
  }

  /** Whether nothing of the host's can change a message. Asked for each message, because plugins may be added at any time. */
  #isLeftAlone(): boolean {
    const transporter = this.#transporter();
    const { name = '', options } = transporter.transporter as Transport;
    if (!/^SMTP\b/.test(name) || !options || options.attachDataUrls || options.normalizeHeaderKey)
      return false;
    // A host's own mailer may change the messages it is given.
    if (this.mailer.sendMail !== MailerService.prototype.sendMail) return false;
    return additionsOf(transporter, this.mailer) === null;
  }

  #transporter(): Transporter {
    return findTransporter(this.mailer, this.transporterName);
  }
}

/** With an envelope of its own, nodemailer takes no address from the message. */
function envelopeOf({ envelopeFrom, to, cc = [], bcc = [] }: EmailMessage): SendMailOptions['envelope'] {
  return { from: envelopeFrom, to: [to, ...cc, ...bcc].map(({ address }) => ({ name: '', address })) };
}

/** Whether all addresses are ASCII. Others need SMTPUTF8, and the header lines that nodemailer writes for it. */
function hasPlainAddresses({
  from,
  envelopeFrom = from.address,
  to,
  replyTo = [],
  cc = [],
  bcc = [],
}: EmailMessage): boolean {
  return (
    isAscii(envelopeFrom) && [from, to, ...replyTo, ...cc, ...bcc].every(({ address }) => isAscii(address))
  );
}

/**
 * Why the recipient's own address was refused; null if it was not. With cc or bcc, nodemailer sends a message if one address is accepted; if none
 * is, it reports the reply to any of them.
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

/** An address with its domain in ASCII: if the local part is not ASCII, nodemailer turns the domain back into Unicode. */
function toAscii(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  return address.slice(0, at) + domainToASCII(address.slice(at));
}
