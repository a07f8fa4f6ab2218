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
 * Those of a mailing are the same in all its messages, and most of each. So nodemailer encodes them once, and every message gets the same bytes. They
 * are cached by their `attachments` array, and each by itself, because a recipient may get further ones; they are freed with these objects.
 */
export class AttachmentParts {
  readonly #known = new WeakMap<Attachments, Promise<Buffer[] | null>>();
  readonly #each = new WeakMap<Attachments[number], Promise<Buffer | null>>();

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
    const parts = await Promise.all(attachments.map((one) => this.#one(one)));
    return parts.every((part) => part !== null) ? parts : null;
  }

  #one(attachment: Attachments[number]): Promise<Buffer | null> {
    const known = this.#each.get(attachment);
    if (known) return known;
    const part = this.#encoded(attachment);
    this.#each.set(attachment, part);
    return part;
  }

  async #encoded(attachment: Attachments[number]): Promise<Buffer | null> {
    const part = await partOf(attachment);
    return isAscii(part) ? Buffer.from(this.doublesDots ? dotsDoubled(part) : part, 'latin1') : null;
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
