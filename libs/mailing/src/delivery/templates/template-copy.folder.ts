import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { leadsOut } from './leads-out.js';
import { TemplateOutsideFolderError } from '../../model/errors/request.errors.js';

/** Private copies of template sources in the system's temporary folder, for engines that read files by themselves. */
export class TemplateCopyFolder {
  readonly #copies = new Map<string, Promise<string>>();
  readonly #folders: string[] = [];

  /**
   * *Invariant: a copy is never changed*, because engines cache what they compiled by its path. Each set of sources is written once per process,
   * and again only if its copy is incomplete.
   *
   * @param files sources by their paths.
   * @param extension of the templates that are rendered from this copy. Engines cache by a path without extension, so in one copy `letter.html`
   * and `letter.njk` would share a cache entry.
   * @returns the absolute path of the copy.
   */
  async of(files: Map<string, string>, extension: string): Promise<string> {
    const hash = createHash('sha256')
      .update(`${extension}\n`)
      .update(JSON.stringify([...files].sort(([a], [b]) => (a < b ? -1 : 1))))
      .digest('hex');
    const before = this.#copies.get(hash);
    // The system cleans up temporary folders, some after ten days.
    if (before && (await isWhole(await before, files))) return before;
    const copy = this.#write(files);
    this.#copies.set(hash, copy);
    copy.catch(() => this.#copies.delete(hash));
    return copy;
  }

  async remove(): Promise<void> {
    this.#copies.clear();
    const gone = this.#folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true }));
    await Promise.allSettled(gone);
  }

  async #write(files: Map<string, string>): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'nestjs-mailing-'));
    this.#folders.push(folder);
    for (const [file, source] of files) {
      const path = resolve(folder, file);
      // Names come from the database. Write access to it must not give write access outside this folder.
      if (leadsOut(folder, path)) throw new TemplateOutsideFolderError(file, folder);
      await mkdir(dirname(path), { recursive: true });
      // `wx`: where the file system ignores letter case, one of two sources must not replace the other.
      await writeFile(path, source, { flag: 'wx' });
    }
    return folder;
  }
}

async function isWhole(folder: string, files: Map<string, string>): Promise<boolean> {
  const looks = await Promise.allSettled([...files.keys()].map((file) => access(join(folder, file))));
  return looks.every(({ status }) => status === 'fulfilled');
}
