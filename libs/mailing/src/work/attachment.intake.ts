import { readFile, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { AttachmentTooLargeError } from '../model/attachment.errors.js';
import { hasControlCharacters } from '../model/email-address.js';
import type { MailingSettings } from '../model/mailing-options.js';
import { HeaderLineBreakError, InvalidFieldError, MissingFieldError } from '../model/refusal.errors.js';
import type { TemplateEmailAttachment } from '../model/template-email-info.js';
import { downloadAttachment } from './attachment.download.js';

type Limits = MailingSettings['attachments'];

/**
 * Reads all attachments of a mailing, once: files, URLs and contents become bytes, so that each recipient gets the same ones, before and
 * after a restart, and from a server that has neither the file nor a way to the URL.
 *
 * @throws InvalidFieldError, AttachmentTooLargeError, AttachmentDownloadError naming the attachment.
 */
export async function takeAttachments(
  attachments: TemplateEmailAttachment[],
  limits: Limits,
): Promise<TemplateEmailAttachment[]> {
  const taken: TemplateEmailAttachment[] = [];
  let left = limits.maxBytes;
  for (const [n, attachment] of attachments.entries()) {
    const field = `attachments[${n}]`;
    const { filename, contentType, cid } = attachment;
    if (typeof filename !== 'string' || filename.trim() === '') {
      throw new MissingFieldError(`${field}.filename`, filename);
    }
    for (const [name, value] of Object.entries({ filename, contentType, cid })) {
      oneLine(`${field}.${name}`, value);
    }
    const content = await bytesOf(field, attachment, { ...limits, maxBytes: left }).catch(
      (error: unknown) => {
        throw error instanceof AttachmentTooLargeError
          ? new AttachmentTooLargeError(field, limits.maxBytes)
          : error;
      },
    );
    left -= content.length;
    if (left < 0) throw new AttachmentTooLargeError(field, limits.maxBytes);
    taken.push({ filename, contentType, cid, content });
  }
  return taken;
}

async function bytesOf(
  field: string,
  { content, href, path }: TemplateEmailAttachment,
  limits: Limits,
): Promise<Buffer> {
  if (typeof content === 'string') return Buffer.from(content);
  // A copy: the caller may use his bytes again.
  if (content instanceof Uint8Array) return Buffer.from(content);
  if (content !== undefined) {
    throw new InvalidFieldError(
      `${field}.content`,
      'a text or bytes (a stream is used up by the first recipient)',
      content,
    );
  }
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

function oneLine(field: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value !== 'string') throw new InvalidFieldError(field, 'a text', value);
  if (hasControlCharacters(value)) throw new HeaderLineBreakError(field, value);
}
