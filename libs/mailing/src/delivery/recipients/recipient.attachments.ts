import {
  askHost,
  HostAnswerError,
  HostSilentError,
  type HostCallTerms,
} from '../../model/host-calls/host-call.js';
import {
  AttachmentSourceDownError,
  RecipientAttachmentsMissingError,
} from '../../model/errors/recipient-attachments.errors.js';
import type { RecipientAttachment } from '../../model/mail/recipient-attachment.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type { HeaderRecipient, RecipientAttachmentsOf } from '../../model/options/host-made.options.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import { hasControlCharacters } from '../../model/values/bounded-text.js';
import { kindOf, numberOrKindOf } from '../../model/values/value-kind.js';

type Settings = Pick<MailingSettings, 'recipientAttachments' | 'attachments'>;

/** Each must fit in a header line. */
const MAX_NAME = 255;

/** Asks the host for the files that go to one recipient of a mailing alone. */
export class RecipientAttachments {
  readonly #mailing: Omit<HeaderRecipient, 'idx' | 'email' | 'userId'>;
  readonly #call: string;

  private constructor(
    mailingId: string | null,
    { name, trackingData }: TemplateEmailInfo,
    which: string,
    private readonly ask: RecipientAttachmentsOf,
    private readonly limits: Pick<MailingSettings['attachments'], 'maxPerRecipient' | 'maxRecipientBytes'>,
  ) {
    this.#call = `recipientAttachments.${which}`;
    this.#mailing = {
      mailingId,
      mailingName: name ?? null,
      trackingData: Object.freeze({ ...trackingData }),
    };
  }

  /**
   * @returns null if the mailing has no such files.
   * @throws RecipientAttachmentsMissingError if the host does not have the function.
   */
  static of(
    { recipientAttachments: functions, attachments: limits }: Settings,
    mailingId: string | null,
    info: TemplateEmailInfo,
  ): RecipientAttachments | null {
    const { recipientAttachments: which } = info;
    if (which === undefined) return null;
    const ask = functionOf(functions, which);
    return new RecipientAttachments(mailingId, info, which, ask, limits);
  }

  /** @throws what the function throws or rejects with; HostSilentError; HostAnswerError if its answer can't be attached. */
  async attachmentsFor(
    idx: number,
    email: string,
    userId: string | undefined,
    terms: HostCallTerms,
  ): Promise<RecipientAttachment[]> {
    const recipient = { ...this.#mailing, idx, email, ...(userId === undefined ? {} : { userId }) };
    const answer: unknown = await askHost({ ...terms, call: this.#call }, async () => this.ask(recipient));
    if ((answer ?? null) === null) return [];
    const { maxPerRecipient } = this.limits;
    if (!Array.isArray(answer)) throw this.#wrong('an array of attachments, or null', kindOf(answer));
    if (answer.length > maxPerRecipient)
      throw this.#wrong(
        `at most ${maxPerRecipient} attachments (attachments.maxPerRecipient)`,
        String(answer.length),
      );
    const files = answer.map((one: unknown) => this.#checked(one));
    this.#checkSize(files);
    return files;
  }

  #checked(one: unknown): RecipientAttachment {
    if (typeof one !== 'object' || one === null)
      throw this.#wrong('objects with filename and content', kindOf(one));
    const { filename, content, contentType, cid } = one as Record<keyof RecipientAttachment, unknown>;
    if (typeof content !== 'string' && !(content instanceof Uint8Array))
      throw this.#wrong('content to be a text or bytes', kindOf(content));
    if (typeof filename !== 'string' || filename.trim() === '')
      throw this.#wrong('filename to be a text that is not empty', kindOf(filename));
    for (const [name, value] of Object.entries({ filename, contentType, cid })) {
      if (value === undefined) continue;
      if (typeof value !== 'string' || value.length > MAX_NAME || hasControlCharacters(value))
        throw this.#wrong(`${name} to be one line of at most ${MAX_NAME} characters`, kindOf(value));
    }
    return { filename, content, contentType, cid } as RecipientAttachment;
  }

  #checkSize(files: RecipientAttachment[]): void {
    const { maxRecipientBytes: most } = this.limits;
    const size = files.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
    if (size > most)
      throw this.#wrong(`at most ${most} bytes (attachments.maxRecipientBytes)`, numberOrKindOf(size));
  }

  #wrong(expected: string, got: string): HostAnswerError {
    return new HostAnswerError(this.#call, expected, got);
  }
}

/** A silent function says nothing about the recipient, as one that says itself that it can't answer. */
export function isSourceDown(error: unknown): boolean {
  return error instanceof AttachmentSourceDownError || error instanceof HostSilentError;
}

/** @throws RecipientAttachmentsMissingError if there is none of this name. */
export function functionOf(
  functions: MailingSettings['recipientAttachments'],
  name: string,
): RecipientAttachmentsOf {
  const found = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (!found) throw new RecipientAttachmentsMissingError(name);
  return found;
}
