import { TemplateEmailRequestError } from '../../model/errors/request.errors.js';
import type { NamedSenders } from '../../delivery/transport/named.senders.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type { MailingTemplate, TemplateRenderer } from '../../model/ports/template.renderer.js';
import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import { functionOf } from '../../delivery/recipients/recipient.attachments.js';
import { publicReasonOf } from '../../model/values/public-text.js';
import type { StoredMailing } from '../../model/ports/mailing.persister.js';
import type { OpeningOutages } from './opening-outages.js';

/** What a run needs of its mailing. */
export interface OpenedMailing {
  info: TemplateEmailInfo;
  template: MailingTemplate;
  /** Of the whole mailing. */
  numRecipients: number;
}

/** Why a mailing can't be opened: its template, an attachment or its transport is missing, its JSON is unreadable, or its renderer was silent for too long. */
export class ContentGone {
  /** @param reason the text for `status_reason`. */
  constructor(readonly reason: string) {}
}

/** Opens what a mailing sends. A mailing of one server is opened first and then claimed, so one whose renderer can't be reached is not claimed. */
export class ContentOpener {
  constructor(
    private readonly senders: NamedSenders,
    private readonly renderer: TemplateRenderer,
    private readonly openings: OpeningOutages,
    private readonly settings: Pick<MailingSettings, 'recipientAttachments'>,
  ) {}

  /** @throws errors of the renderer other than refusals, until the outage has lasted too long; the next sweep tries again. */
  async open(mailing: StoredMailing): Promise<OpenedMailing | ContentGone> {
    const { mailingId, info, content, numProfiles: numRecipients } = mailing;
    const gone = whatIsGone(mailing) ?? this.#transportGone(info) ?? this.#functionGone(info);
    if (gone !== null) {
      this.openings.over(mailingId);
      return new ContentGone(gone);
    }
    this.openings.begun(mailingId);
    try {
      const template = await this.renderer.open(info, content);
      this.openings.over(mailingId);
      return { info, template, numRecipients };
    } catch (error) {
      const reason = publicReasonOf(error);
      if (!(error instanceof TemplateEmailRequestError) && !this.openings.failed(mailingId, reason))
        throw error;
      this.openings.over(mailingId);
      return new ContentGone(`${PAUSE_REASONS.template}: ${reason}`);
    }
  }

  /** A transport that was there when the mailing was requested. The probe of the transport resumes the mailing once it is there again. */
  #transportGone({ transporterName }: TemplateEmailInfo): string | null {
    try {
      this.senders.of(transporterName);
      return null;
    } catch (error) {
      return `${PAUSE_REASONS.transport}: ${publicReasonOf(error)}`;
    }
  }

  /** A function that was there when the mailing was requested, on the server that took the request. */
  #functionGone({ recipientAttachments }: TemplateEmailInfo): string | null {
    try {
      if (recipientAttachments !== undefined)
        functionOf(this.settings.recipientAttachments, recipientAttachments);
      return null;
    } catch (error) {
      return `${PAUSE_REASONS.attachments}: ${publicReasonOf(error)}`;
    }
  }
}

/** Content without which the mailing can't be sent, whatever its templates need. */
function whatIsGone({ unreadable, attachmentGone }: StoredMailing): string | null {
  if (unreadable !== null) return `${PAUSE_REASONS.content}: ${unreadable}`;
  return attachmentGone && `${PAUSE_REASONS.attachments}: ${attachmentGone.reason}`;
}
