import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AttachmentFolderError } from '../../model/options/setup.errors.js';
import { type AttachmentStorage, sha256 } from './attachment.storage.js';

const SHA_256 = /^[0-9a-f]{64}$/;

/** Error codes of file systems that can't sync a folder, or don't let it be opened for that. */
const NO_FOLDER_SYNC = new Set(['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM']);

/**
 * Attachments as files, each named by its hash, in a folder named by the first two letters of the hash.
 *
 * A file appears under its name only when it is complete and on disk, so a crash leaves at most a file that ends with `.tmp`. The folder itself is
 * never created: a share that is not mounted would become a local folder that no other server sees. The modification time says when a mailing last
 * attached the file, so a clean-up of the folder can rely on it.
 */
export class AttachmentFolder implements AttachmentStorage {
  /** @param moveTo renames a file, and replaces what is there. */
  constructor(
    private readonly dir: string,
    private readonly moveTo: typeof rename = rename,
  ) {}

  /** Writes, reads and removes a file: no lesser test reveals missing rights, read-only file systems and full disks. */
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
    if (!(await isReusable(path, hash, bytes.length))) await this.#replace(path, hash, bytes);
    // Sync also for a file that existed: its writer may have died just before this step.
    await syncFolder(folder);
    await syncFolder(this.dir);
  }

  read(hash: string): Promise<Buffer> {
    return readFile(this.placeOf(hash));
  }

  /** @throws Error for a text that is no hash: a manipulated row must not lead to another file. */
  placeOf(hash: string): string {
    if (typeof hash !== 'string' || !SHA_256.test(hash))
      throw new Error(`the name ${JSON.stringify(hash)}, which is no SHA-256`);
    return join(this.dir, hash.slice(0, 2), hash);
  }

  /** Each writer has a temporary file of its own. Of two writers the last one takes the name, with the same bytes. */
  async #replace(path: string, hash: string, bytes: Buffer): Promise<void> {
    const own = `${path}.${randomUUID()}.tmp`;
    try {
      await writeSynced(own, bytes);
      await this.moveTo(own, path);
    } catch (error) {
      await rm(own, { force: true }).catch(() => undefined);
      // Windows replaces no file that another process reads; the other writer's has the same bytes.
      if (!(await isReusable(path, hash, bytes.length))) throw error;
    }
  }
}

/**
 * Whether an existing file can be used. It is written anew if it is damaged, or if another user owns it and its time therefore can't be set: the
 * mailing that is about to be accepted relies on it.
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
