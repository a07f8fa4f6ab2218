import type { HostCallTerms } from '../../model/host-calls/host-call.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type { MadeByHost } from '../mime/message.composer.js';
import { AddedHeaders } from './added.headers.js';
import { EnvelopeSenders } from './envelope.senders.js';
import { RecipientAttachments } from './recipient.attachments.js';
import type { Addressee } from './recipient.policy.js';

/** What the host is asked for, in this order; also the `error_code` of a recipient for which it fails. */
export type HostMadePart = 'envelope' | 'headers' | 'attachments';

export type HostMadeSettings = Pick<
  MailingSettings,
  'envelopeFrom' | 'messageHeaders' | 'recipientAttachments' | 'attachments'
>;

/** Asks the functions of the host for what they make for each message of one mailing. */
export class HostMade {
  private constructor(
    private readonly envelopes: EnvelopeSenders | null,
    private readonly headers: AddedHeaders | null,
    private readonly attachments: RecipientAttachments | null,
  ) {}

  /** @throws RecipientAttachmentsMissingError if the mailing names a function that the host does not have. */
  static of(settings: HostMadeSettings, mailingId: string | null, info: TemplateEmailInfo): HostMade {
    return new HostMade(
      EnvelopeSenders.of(settings.envelopeFrom, mailingId, info),
      AddedHeaders.of(settings.messageHeaders, mailingId, info),
      RecipientAttachments.of(settings, mailingId, info),
    );
  }

  /**
   * @param begin called before each part.
   * @throws what a function throws, and errors of its answer.
   */
  make(
    idx: number,
    { mailbox: { address }, userId }: Addressee,
    terms: HostCallTerms,
    begin: (part: HostMadePart) => void = () => undefined,
  ): MadeByHost | Promise<MadeByHost> {
    begin('envelope');
    const envelopeFrom = this.envelopes?.senderFor(idx, address, userId);
    begin('headers');
    const headers = this.headers?.headersFor(idx, address, userId);
    if (!this.attachments) return { envelopeFrom, headers };
    begin('attachments');
    const files = this.attachments.attachmentsFor(idx, address, userId, terms);
    return files.then((attachments) => ({ envelopeFrom, headers, attachments }));
  }
}
