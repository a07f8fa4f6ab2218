import { type Mailbox, parseMailbox, parseMailboxes } from '../../model/addresses/email-address.js';
import { hasOddDots, quotedAddress } from '../../model/addresses/recipient-address.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type { EmailMessage } from '../../model/ports/email-message.sender.js';
import { MessageIdentity } from './message-identity.js';
import { checkRendered } from './rendered-email.check.js';
import type { RenderedEmail, RenderedHeaders } from '../../model/ports/template.renderer.js';

/** Header that carries the mailing's id, for bounces and for people who search a mailbox. */
export const MAILING_ID_HEADER = 'X-Mailing-Id';

/** Composes messages from what is the same in all messages of a mailing and what differs. */
export class MessageComposer {
  readonly #from: Mailbox;
  readonly #to: Mailbox | null;
  readonly #identity: MessageIdentity;
  readonly #constant: Pick<EmailMessage, 'replyTo' | 'cc' | 'bcc' | 'headers' | 'attachments'>;
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
    this.#constant = {
      replyTo: parseMailboxes(info.replyTo) ?? undefined,
      cc: parseMailboxes(info.cc) ?? undefined,
      bcc: parseMailboxes(info.bcc) ?? undefined,
      headers: { ...info.headers, ...debugHeaders, [MAILING_ID_HEADER]: identity },
      attachments: info.attachments as EmailMessage['attachments'],
    };
  }

  /**
   * @param own headers of this message alone.
   * @param envelopeFrom its envelope sender; default: that of the mailing.
   * @throws HostAnswerError, RenderedTooLongError if a host's renderer returns what can't be sent.
   */
  compose(
    idx: number,
    to: Mailbox,
    rendered: RenderedEmail,
    own?: Record<string, string>,
    envelopeFrom = this.#envelopeFrom,
  ): EmailMessage {
    checkRendered(rendered);
    const { headers, subject, html, text } = rendered;
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
      headers: { ...this.#constant.headers, ...own },
      attachments,
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
