import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AttachmentFolderError } from '../../model/options/setup.errors.js';
import { type AttachmentStorage, sha256 } from './attachment.storage.js';

const SHA_256 = /^[0-9a-f]{64}$/;

/** What file systems that can't sync a folder answer, or don't let it be opened for that. */
const NO_FOLDER_SYNC = new Set(['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM']);

/**
 * Attachments as files, each named by its hash, in a folder named by the first two letters of it.
 *
 * A file appears under its name only when it is whole and on disk, so a crash leaves at most a file that ends with `.tmp`. The
 * folder itself is never made: a share that is not mounted would become a local folder that no other server sees. The modification
 * time says when a mailing last attached the file, so whoever clears the folder can go by it.
 */
export class AttachmentFolder implements AttachmentStorage {
  constructor(private readonly dir: string) {}

  /** Writes a file, reads it and removes it: rights, read-only file systems and full disks show in nothing less. */
  async check(): Promise<void> {
    const probe = join(this.dir, `.probe-${randomUUID()}.tmp`);
    try {
      await writeSynced(probe, Buffer.from(probe));
      await readFile(probe);
      await rm(probe);
    } catch (error) {
      await rm(probe, { force: true }).catch(() => undefined);
      throw new AttachmentFolderError(this.dir, error);
    }
  }

  async write(hash: string, bytes: Buffer): Promise<void> {
    const path = this.placeOf(hash);
    const folder = dirname(path);
    await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    if (!(await isReusable(path, hash, bytes.length))) await this.#replace(path, bytes);
    // Also for a file that was there: its writer may have died just before he did this.
    await syncFolder(folder);
    await syncFolder(this.dir);
  }

  read(hash: string): Promise<Buffer> {
    return readFile(this.placeOf(hash));
  }

  /** @throws Error for what is no hash: a row that was tampered with is to lead to no other file. */
  placeOf(hash: string): string {
    if (typeof hash !== 'string' || !SHA_256.test(hash))
      throw new Error(`the name ${JSON.stringify(hash)}, which is no SHA-256`);
    return join(this.dir, hash.slice(0, 2), hash);
  }

  /** Each writer has a file of its own; of two the last one takes the name, with the same bytes. */
  async #replace(path: string, bytes: Buffer): Promise<void> {
    const own = `${path}.${randomUUID()}.tmp`;
    try {
      await writeSynced(own, bytes);
      await rename(own, path);
    } catch (error) {
      await rm(own, { force: true }).catch(() => undefined);
      throw error;
    }
  }
}

/**
 * A file that is damaged, or that another user owns and whose time therefore can't be set, is written anew: the mailing that is
 * about to be accepted counts on it.
 */
async function isReusable(path: string, hash: string, size: number): Promise<boolean> {
  try {
    if ((await stat(path)).size !== size) return false;
    if ((await sha256(await readFile(path))) !== hash) return false;
    const now = new Date();
    await utimes(path, now, now);
    return true;
  } catch {
    return false;
  }
}

async function writeSynced(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (!NO_FOLDER_SYNC.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
