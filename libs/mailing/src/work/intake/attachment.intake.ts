import { readFile, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { AttachmentStreamError, AttachmentTooLargeError } from '../../model/mail/attachment.errors.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import { InvalidFieldError, MissingFieldError } from '../../model/errors/request.errors.js';
import type { TemplateEmailAttachment } from '../../model/mail/template-email-info.js';
import { downloadAttachment } from './attachment.download.js';
import { readStream } from './attachment.stream.js';
import { checkLength, checkOneLine } from './request.bounds.js';

/** The mailing's row holds the metadata of all attachments, and no real message has this many. */
const MAX_ATTACHMENTS = 1_000;

type Limits = MailingSettings['attachments'];

/** Bound for names: each must fit in a header line. */
const MAX_NAME = 255;
/** The limit of Linux for a path. */
const MAX_PATH = 4_096;
/** The usual limit of web servers for a URL. */
const MAX_HREF = 8_192;

/** An attachment's metadata as it was when requested, and either its bytes or the way to them. */
interface OpenAttachment extends Omit<TemplateEmailAttachment, 'content'> {
  field: string;
  bytes: Buffer | null;
  stream: AsyncIterable<Uint8Array | string> | null;
}

/**
 * Reads all attachments of a mailing once. Files, URLs and contents become bytes, so that each recipient gets the same ones, before and after a
 * restart, and from a server that can reach neither the file nor the URL.
 *
 * Everything that the caller holds in memory is copied before the first wait: after that the caller may change it.
 *
 * @param isForOne there is one recipient, so a stream may be consumed.
 * @param isInTransaction a transaction of the host is open, so no URL is fetched.
 * @returns a function that fetches the files, URLs and streams; it throws InvalidFieldError, SourceConsumedError, AttachmentTooLargeError,
 * AttachmentDownloadError, and what a stream fails with.
 * @throws InvalidFieldError, MissingFieldError, FieldTooLongError, HeaderInjectionError, AttachmentStreamError, AttachmentTooLargeError naming the
 * attachment.
 */
export function takeAttachments(
  attachments: TemplateEmailAttachment[] | undefined,
  limits: Limits,
  isForOne: boolean,
  isInTransaction = false,
): () => Promise<TemplateEmailAttachment[] | undefined> {
  if (attachments === undefined) return () => Promise.resolve(undefined);
  if (!Array.isArray(attachments)) throw new InvalidFieldError('attachments', 'an array', attachments);
  if (attachments.length > MAX_ATTACHMENTS)
    throw new InvalidFieldError('attachments', `at most ${MAX_ATTACHMENTS} of them`, attachments);
  const budget = new ByteBudget(limits);
  const open = attachments.map((attachment: TemplateEmailAttachment, n) =>
    copyOf(`attachments[${n}]`, attachment, budget, isForOne),
  );
  for (const { field, href, bytes } of open) {
    if (!isInTransaction || href === undefined || bytes) continue;
    const expected = 'absent with a transaction, which would stay open during the download';
    throw new InvalidFieldError(`${field}.href`, expected, href);
  }
  return () => fetchAll(open, budget);
}

async function fetchAll(open: OpenAttachment[], budget: ByteBudget): Promise<TemplateEmailAttachment[]> {
  const taken: TemplateEmailAttachment[] = [];
  for (const { field, bytes, stream, path, href, ...shown } of open) {
    if (bytes) {
      taken.push({ ...shown, content: bytes });
      continue;
    }
    const content = await budget.within(field, (left) =>
      stream ? readStream(field, stream, left) : fetched(field, { path, href }, left),
    );
    budget.take(field, content.length);
    taken.push({ ...shown, content });
  }
  return taken;
}

/** The remaining bytes of the limit for all attachments together. */
class ByteBudget {
  #left: number;

  constructor(private readonly limits: Limits) {
    this.#left = limits.maxBytes;
  }

  take(field: string, size: number): void {
    this.#left -= size;
    if (this.#left < 0) throw new AttachmentTooLargeError(field, this.limits.maxBytes);
  }

  /** Readers get the remaining budget; errors report the configured limit. */
  async within(field: string, read: (left: Limits) => Promise<Buffer>): Promise<Buffer> {
    try {
      return await read({ ...this.limits, maxBytes: this.#left });
    } catch (error) {
      throw error instanceof AttachmentTooLargeError
        ? new AttachmentTooLargeError(field, this.limits.maxBytes)
        : error;
    }
  }
}

function copyOf(
  field: string,
  attachment: TemplateEmailAttachment,
  budget: ByteBudget,
  isForOne: boolean,
): OpenAttachment {
  if (typeof attachment !== 'object' || attachment === null)
    throw new InvalidFieldError(field, 'an object with a filename', attachment);
  const { filename, contentType, cid, content, path, href } = attachment;
  for (const [name, value, most] of [
    ['filename', filename, MAX_NAME],
    ['contentType', contentType, MAX_NAME],
    ['cid', cid, MAX_NAME],
    ['path', path, MAX_PATH],
    ['href', href, MAX_HREF],
  ] as const) {
    checkLength(`${field}.${name}`, value, most);
  }
  if (typeof filename !== 'string' || filename.trim() === '') {
    throw new MissingFieldError(`${field}.filename`, filename);
  }
  for (const [name, value] of Object.entries({ filename, contentType, cid })) {
    checkOneLine(`${field}.${name}`, value);
  }
  // Made well-formed, because these texts are stored as JSON, and no database accepts a lone surrogate in it.
  const texts = {
    filename: filename.toWellFormed(),
    contentType: contentType?.toWellFormed(),
    cid: cid?.toWellFormed(),
  };
  const common = { field, ...texts, path, href };
  if (!isStream(content)) return { ...common, stream: null, bytes: bytesOf(field, content, budget) };
  if (!isForOne || !(Symbol.asyncIterator in content)) throw new AttachmentStreamError(field);
  return { ...common, stream: content as OpenAttachment['stream'], bytes: null };
}

/** Counts the bytes before it copies them. @returns null if there is no content. */
function bytesOf(field: string, content: unknown, budget: ByteBudget): Buffer | null {
  if (content === undefined) return null;
  if (typeof content === 'string') {
    budget.take(field, Buffer.byteLength(content));
    return Buffer.from(content);
  }
  if (content instanceof Uint8Array) {
    budget.take(field, content.byteLength);
    return Buffer.from(content);
  }
  throw new InvalidFieldError(`${field}.content`, 'a text or bytes', content);
}

/** True for a stream of Node or of the web. */
function isStream(content: unknown): content is object {
  if (typeof content !== 'object' || content === null) return false;
  return Symbol.asyncIterator in content || 'pipe' in content || 'getReader' in content;
}

async function fetched(
  field: string,
  { path, href }: Pick<TemplateEmailAttachment, 'path' | 'href'>,
  limits: Limits,
): Promise<Buffer> {
  if (href !== undefined) return downloadAttachment(field, href, limits);
  const size = typeof path === 'string' && isAbsolute(path) ? await sizeOf(path) : null;
  if (size !== null && size > limits.maxBytes) throw new AttachmentTooLargeError(field, limits.maxBytes);
  const bytes = size === null ? null : await readFile(path as string).catch(() => null);
  if (bytes) return bytes;
  throw new InvalidFieldError(`${field}.path`, 'the absolute path of a file that can be read', path);
}

async function sizeOf(path: string): Promise<number | null> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() ? found.size : null;
}
