import { DroppedRowError } from '../../model/errors/dropped-row.error.js';
import type { AttachmentStorage } from './attachment.storage.js';
import { insertParts } from './insert-parts.js';
import { readPartLengths, readParts } from './read-parts.js';
import type { MailingDatabase, Session } from '../database/mailing.database.js';

/** A multiple of three; 64,000 characters of base64, and MySQL's `text` takes 65,535. */
const BYTES_PER_PART = 48_000;
/** About one megabyte per statement, which the defaults of all databases accept. */
const PARTS_PER_INSERT = 16;

/**
 * Attachments in `dps_mail_attachment`.
 *
 * Parts are written before their mailing, one statement after another and not in its transaction. A crash leaves at most an incomplete file without a
 * mailing, which the next mailing that attaches it completes. Two writers of one file write the same rows. Parts that were not new must be found
 * afterwards: one more query for a known file.
 */
export class AttachmentTable implements AttachmentStorage {
  constructor(private readonly database: MailingDatabase) {}

  async write(hash: string, bytes: Buffer, session: Session = this.database): Promise<void> {
    const parts = Array.from({ length: Math.ceil(bytes.length / BYTES_PER_PART) }, (_, part) =>
      bytes.subarray(part * BYTES_PER_PART, (part + 1) * BYTES_PER_PART).toString('base64'),
    );
    let numKnown = 0;
    for (let first = 0; first < parts.length; first += PARTS_PER_INSERT) {
      const some = parts.slice(first, first + PARTS_PER_INSERT);
      const { numRows, numWarnings } = await insertParts(session, hash, first, some);
      if (numWarnings > some.length - numRows) throw new DroppedRowError('dps_mail_attachment');
      numKnown += some.length - numRows;
    }
    if (numKnown > 0 && !(await hasParts(session, hash, parts)))
      throw new DroppedRowError('dps_mail_attachment');
  }

  async read(hash: string): Promise<Buffer> {
    const parts = await readParts(this.database, hash);
    return Buffer.concat(parts.map((part) => Buffer.from(part, 'base64')));
  }

  placeOf(hash: string): string {
    return `the rows of dps_mail_attachment with the hash ${hash}`;
  }
}

/** Compares lengths only: the content is checked by its hash when it is read. */
async function hasParts(session: Session, hash: string, parts: string[]): Promise<boolean> {
  const lengths = await readPartLengths(session, hash);
  return lengths.join() === parts.map((part) => part.length).join();
}
