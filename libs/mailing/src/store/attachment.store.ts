import { createHash } from 'node:crypto';
import type { TemplateEmailAttachment } from '../model/template-email-info.js';
import type { MailingDatabase } from './mailing.database.js';

/** What the mailing's row says of an attachment; the bytes are in `dps_mail_attachment`. */
interface KeptAttachment {
  filename: string;
  contentType?: string;
  cid?: string;
  hash: string;
  size: number;
}

/** A multiple of three; 64,000 characters of base64, and MySQL's `text` takes 65,535. */
const BYTES_PER_PART = 48_000;
/** About one megabyte a statement: every default of every database takes that. */
const PARTS_PER_INSERT = 16;

/**
 * Keeps the files of mailings, each under its hash.
 *
 * Parts are written before their mailing, one statement after the other and not in its transaction: what a crash leaves behind is a
 * file without a mailing, which the next mailing that attaches it completes. Of two writers of one file each writes the same rows.
 */
export class AttachmentStore {
  constructor(private readonly database: MailingDatabase) {}

  /** @returns what to write in the mailing's row. */
  async keep(attachments: TemplateEmailAttachment[]): Promise<KeptAttachment[]> {
    const kept: KeptAttachment[] = [];
    for (const { filename, contentType, cid, content } of attachments) {
      const bytes = Buffer.from(content as Uint8Array);
      const hash = createHash('sha256').update(bytes).digest('hex');
      await this.#write(hash, bytes);
      kept.push({ filename, contentType, cid, hash, size: bytes.length });
    }
    return kept;
  }

  /** Rows of earlier versions hold the content, or a path, themselves. */
  async restore(kept: (KeptAttachment | TemplateEmailAttachment)[]): Promise<TemplateEmailAttachment[]> {
    const attachments: TemplateEmailAttachment[] = [];
    for (const one of kept) {
      if (!('hash' in one)) {
        attachments.push(one);
        continue;
      }
      const { hash, size, ...common } = one;
      attachments.push({ ...common, content: await this.#read(hash, size) });
    }
    return attachments;
  }

  async #write(hash: string, bytes: Buffer): Promise<void> {
    const { dialect, tables } = this.database;
    const parts = Array.from({ length: Math.ceil(bytes.length / BYTES_PER_PART) }, (_, part) =>
      bytes.subarray(part * BYTES_PER_PART, (part + 1) * BYTES_PER_PART).toString('base64'),
    );
    for (let first = 0; first < parts.length; first += PARTS_PER_INSERT) {
      const some = parts.slice(first, first + PARTS_PER_INSERT);
      await this.database.change(
        dialect.insertIgnore(
          `${tables.mailAttachment} (hash, part, content)`,
          some.map(() => '(?, ?, ?)').join(', '),
        ),
        some.flatMap((part, n) => [hash, first + n, part]),
      );
    }
  }

  /** @throws Error if somebody deleted rows that a mailing still needs. */
  async #read(hash: string, size: number): Promise<Buffer> {
    const rows = await this.database.rows<{ content: string }>(
      `SELECT content FROM ${this.database.tables.mailAttachment} WHERE hash = ? ORDER BY part`,
      [hash],
    );
    const bytes = Buffer.concat(rows.map((row) => Buffer.from(row.content, 'base64')));
    if (bytes.length === size) return bytes;
    throw new Error(`The attachment ${hash} has ${bytes.length} of ${size} bytes in dps_mail_attachment.`);
  }
}
