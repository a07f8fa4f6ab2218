import { type Mailbox, parseMailbox, parseMailboxes } from '../model/email-address.js';
import type { TemplateEmailInfo } from '../model/template-email-info.js';
import type { EmailMessage } from './email-message.sender.js';
import type { RenderedEmail } from './template.renderer.js';

/** Header that carries the mailing's id, for bounces and for people who search a mailbox. */
export const MAILING_ID_HEADER = 'X-Mailing-Id';

/** Puts together what is the same in all messages of a mailing and what is not. */
export class MessageComposer {
  readonly #from: Mailbox;
  readonly #domain: string;
  readonly #constant: Pick<EmailMessage, 'replyTo' | 'cc' | 'bcc' | 'headers' | 'attachments'>;

  /** @param identity id of the mailing; for one that is not persisted, any id of its own. */
  constructor(
    private readonly identity: string,
    info: TemplateEmailInfo,
  ) {
    this.#from = parseMailbox(info.from) as Mailbox;
    this.#domain = this.#from.address.slice(this.#from.address.lastIndexOf('@') + 1);
    this.#constant = {
      replyTo: parseMailboxes(info.replyTo) ?? undefined,
      cc: parseMailboxes(info.cc) ?? undefined,
      bcc: parseMailboxes(info.bcc) ?? undefined,
      headers: { ...info.headers, [MAILING_ID_HEADER]: identity },
      attachments: info.attachments as EmailMessage['attachments'],
    };
  }

  compose(idx: number, to: Mailbox, rendered: RenderedEmail): EmailMessage {
    return { ...this.#constant, messageId: this.messageId(idx), from: this.#from, to, ...rendered };
  }

  /** The same for each attempt at one recipient (RFC 5322 section 3.6.4), so that the far end can drop a second copy. */
  messageId(idx: number): string {
    return `<${this.identity}.${idx}@${this.#domain}>`;
  }
}
