import { DroppedRowError } from '../../model/errors/dropped-row.error.js';
import { AttachmentNotStoredError } from '../../model/mail/attachment.errors.js';
import type { AttachmentStorageOption } from '../../model/options/content-options.js';
import type { TemplateEmailAttachment } from '../../model/mail/template-email-info.js';
import { AttachmentFolder } from './attachment.folder.js';
import { AttachmentGone, sha256 } from './attachment.storage.js';
import { AttachmentTable } from './attachment.table.js';
import type { MailingDatabase, Session } from '../database/mailing.database.js';
import { reasonOf } from '../../model/values/public-text.js';

/** An attachment as recorded in the mailing's row; the bytes are in the table or in the folder. */
export interface KeptAttachment {
  filename: string;
  contentType?: string;
  cid?: string;
  hash: string;
  size: number;
  /** Absent: in the table. Not the path, because servers may see the same folder under different paths. */
  place?: 'folder';
}

/**
 * Stores the files of mailings, each under its hash, in the storage that the option names. A file is read from the storage where it was written: the
 * option may have been changed while a mailing was waiting.
 */
export class AttachmentStore {
  readonly #table: AttachmentTable;
  readonly #folder: AttachmentFolder | null;

  constructor(database: MailingDatabase, place: AttachmentStorageOption = 'table') {
    this.#table = new AttachmentTable(database);
    this.#folder = place === 'table' ? null : new AttachmentFolder(place.dir);
  }

  /** @throws AttachmentFolderError if no files can be stored in the folder. */
  async prepare(): Promise<void> {
    await this.#folder?.check();
  }

  /**
   * @param session in which a table is written. Default: statements of their own.
   * @returns what to write in the mailing's row.
   * @throws AttachmentNotStoredError if the folder or the table does not accept a file; any other error of the database.
   */
  async keep(attachments: TemplateEmailAttachment[], session?: Session): Promise<KeptAttachment[]> {
    const kept: KeptAttachment[] = [];
    for (const [n, { filename, contentType, cid, content }] of attachments.entries()) {
      const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content as Uint8Array);
      const hash = await sha256(bytes);
      const facts = { filename, contentType, cid, hash, size: bytes.length };
      if (this.#folder) {
        const path = this.#folder.placeOf(hash);
        await this.#folder.write(hash, bytes).catch((error: unknown) => {
          throw new AttachmentNotStoredError(`attachments[${n}]`, path, error);
        });
        kept.push({ ...facts, place: 'folder' });
      } else {
        await this.#table.write(hash, bytes, session).catch((error: unknown) => {
          if (!(error instanceof DroppedRowError)) throw error;
          throw new AttachmentNotStoredError(`attachments[${n}]`, this.#table.placeOf(hash), error);
        });
        kept.push(facts);
      }
    }
    return kept;
  }

  /** @returns the first attachment that can't be read as it was sent, or all of them. */
  async restore(kept: KeptAttachment[]): Promise<TemplateEmailAttachment[] | AttachmentGone> {
    const attachments: TemplateEmailAttachment[] = [];
    for (const one of kept) {
      const content = await this.#read(one);
      if (content instanceof AttachmentGone) return content;
      const { filename, contentType, cid } = one;
      attachments.push({ filename, contentType, cid, content });
    }
    return attachments;
  }

  async #read(kept: KeptAttachment): Promise<Buffer | AttachmentGone> {
    const { filename, hash } = kept;
    if (kept.place !== 'folder') return whole(kept, await this.#table.read(hash), this.#table.placeOf(hash));
    if (!this.#folder) {
      return new AttachmentGone(
        `expected ${JSON.stringify(filename)} in the folder where it was kept, but the option attachments.store of this server ` +
          'is not a folder. Set it to that folder, and resume the mailing.',
      );
    }
    let place = 'the folder of the option attachments.store';
    try {
      place = this.#folder.placeOf(hash);
      return await whole(kept, await this.#folder.read(hash), place);
    } catch (error) {
      return gone(kept, place, reasonOf(error));
    }
  }
}

async function whole(kept: KeptAttachment, bytes: Buffer, place: string): Promise<Buffer | AttachmentGone> {
  if (bytes.length !== kept.size) return gone(kept, place, `${bytes.length} bytes`);
  return (await sha256(bytes)) === kept.hash ? bytes : gone(kept, place, 'other bytes');
}

function gone({ filename, size }: KeptAttachment, place: string, got: string): AttachmentGone {
  return new AttachmentGone(
    `expected ${JSON.stringify(filename)} with the ${size} bytes that were sent in ${place}, got ${got}. ` +
      'Put them back and resume the mailing, or cancel it.',
  );
}
