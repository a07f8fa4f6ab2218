import { type Mailbox, parseMailbox, parseMailboxes } from '../../model/addresses/email-address.js';
import { hasOddDots, quotedAddress } from '../../model/addresses/recipient-address.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type { RecipientAttachment } from '../../model/mail/recipient-attachment.js';
import type { EmailMessage } from '../../model/ports/email-message.sender.js';
import { MessageHeaders } from './message-headers.js';
import { MessageIdentity } from './message-identity.js';
import { checkRendered } from './rendered-email.check.js';
import type { RenderedEmail, RenderedHeaders } from '../../model/ports/template.renderer.js';

/** Header that carries the mailing's id, for bounces and for people who search a mailbox. */
export const MAILING_ID_HEADER = 'X-Mailing-Id';

/** What functions of the host made for one message. */
export interface MadeByHost {
  /** Absent: that of the mailing. */
  envelopeFrom?: string;
  /** Further headers. */
  headers?: Record<string, string>;
  /** After those of the mailing. */
  attachments?: RecipientAttachment[];
}

/** Composes messages from what is the same in all messages of a mailing and what differs. */
export class MessageComposer {
  readonly #from: Mailbox;
  readonly #to: Mailbox | null;
  readonly #identity: MessageIdentity;
  readonly #constant: Pick<EmailMessage, 'replyTo' | 'cc' | 'bcc' | 'attachments'>;
  readonly #headers: MessageHeaders;
  readonly #envelopeFrom: string | undefined;

  /**
   * @param identity id of the mailing; if it is not persisted, any unique id.
   * @param debugHeaders of every message of this run.
   */
  constructor(identity: string, info: TemplateEmailInfo, debugHeaders: Record<string, string> = {}) {
    this.#from = parseMailbox(info.from) as Mailbox;
    this.#to = parseMailbox(info.messageTo);
    this.#envelopeFrom = parseMailbox(info.envelopeFrom)?.address;
    this.#identity = new MessageIdentity(identity, info.from);
    this.#headers = new MessageHeaders(info.headers, { ...debugHeaders, [MAILING_ID_HEADER]: identity });
    this.#constant = {
      replyTo: parseMailboxes(info.replyTo) ?? undefined,
      cc: parseMailboxes(info.cc) ?? undefined,
      bcc: parseMailboxes(info.bcc) ?? undefined,
      attachments: info.attachments as EmailMessage['attachments'],
    };
  }

  /**
   * @param own unsubscribe headers of this message.
   * @param byHost what functions of the host answered for it.
   * @throws HostAnswerError, RenderedTooLongError if a host's renderer returns what can't be sent; RenderedHeaderError.
   */
  compose(
    idx: number,
    to: Mailbox,
    rendered: RenderedEmail,
    own?: Record<string, string>,
    byHost: MadeByHost = {},
  ): EmailMessage {
    checkRendered(rendered);
    const { headers, furtherHeaders, subject, html, text } = rendered;
    const { envelopeFrom = this.#envelopeFrom } = byHost;
    const { replyTo, cc, bcc, attachments } = this.#constant;
    const message: EmailMessage = {
      messageId: this.#identity.messageId(idx),
      from: this.#from,
      to: this.#to ?? written(to),
      replyTo,
      cc,
      bcc,
      subject,
      html,
      text,
      headers: this.#headers.of(furtherHeaders, byHost.headers, own),
      attachments: byHost.attachments?.length ? [...(attachments ?? []), ...byHost.attachments] : attachments,
    };
    if (envelopeFrom !== undefined) message.envelopeFrom = envelopeFrom;
    return headers ? Object.assign(message, given(headers)) : message;
  }
}

/** With odd dots in its local part, the address in quotes; else the same object. */
function written(to: Mailbox): Mailbox {
  return hasOddDots(to.address) ? { ...to, address: quotedAddress(to.address) } : to;
}

function given(headers: RenderedHeaders): RenderedHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
}
