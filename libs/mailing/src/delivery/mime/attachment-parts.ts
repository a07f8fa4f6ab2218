import MailComposer from 'nodemailer/lib/mail-composer';
import type { EmailMessage } from '../../model/ports/email-message.sender.js';
import { isAscii } from './is-ascii.js';
import { dotsDoubled, withLineBreaks } from './wire-text.js';

type Attachments = NonNullable<EmailMessage['attachments']>;

/** Header lines of the attachment, in a message that nodemailer writes with this attachment alone. */
const ITS_OWN = /^Content-/i;

/**
 * The attachments of a mailing as parts of a message: their header lines and their bytes, one character per byte.
 *
 * They are the same in all messages of a mailing, and most of each. So nodemailer encodes them once, and every message gets the same bytes. They
 * are cached by their `attachments` array, and freed with it.
 */
export class AttachmentParts {
  readonly #known = new WeakMap<Attachments, Promise<Buffer[] | null>>();

  /** @param doublesDots whether they follow DATA, where dots at line starts are doubled. */
  constructor(private readonly doublesDots: boolean) {}

  /**
   * @returns null if nodemailer has to compose the whole message: pictures of the html (`cid`), content that is not in memory, parts that are not
   * ASCII.
   */
  of(attachments: Attachments = []): Promise<Buffer[] | null> {
    const known = this.#known.get(attachments);
    if (known) return known;
    const parts = attachments.every(isAtHand) ? this.#write(attachments) : Promise.resolve(null);
    this.#known.set(attachments, parts);
    return parts;
  }

  async #write(attachments: Attachments): Promise<Buffer[] | null> {
    const parts = await Promise.all(attachments.map((one) => partOf(one)));
    if (!parts.every(isAscii)) return null;
    return parts.map((part) => Buffer.from(this.doublesDots ? dotsDoubled(part) : part, 'latin1'));
  }
}

function isAtHand({ cid, content }: Attachments[number]): boolean {
  return cid === undefined && (typeof content === 'string' || content instanceof Uint8Array);
}

async function partOf(attachment: Attachments[number]): Promise<string> {
  const mail = new MailComposer({ attachments: [attachment] } as ConstructorParameters<
    typeof MailComposer
  >[0]);
  const message = withLineBreaks((await mail.compile().build()).toString('latin1'));
  const end = message.indexOf('\r\n\r\n');
  const own = message
    .slice(0, end)
    .split(/\r\n(?![ \t])/)
    .filter((line) => ITS_OWN.test(line));
  return `${own.join('\r\n')}${message.slice(end).replace(/(\r\n)?$/, '\r\n')}`;
}
