import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { TemplateOutsideFolderError } from '../../model/errors/request.errors.js';

/** Private copies of template sources in the system's temporary folder, for engines that read files by themselves. */
export class TemplateCopyFolder {
  readonly #copies = new Map<string, Promise<string>>();
  readonly #folders: string[] = [];

  /**
   * Each set of sources is written once in the life of the process, and never changed: engines keep what they compiled by its path.
   *
   * @param files sources by their paths.
   * @param extension of the templates that are rendered from this copy. Engines keep what they compiled by a path without its extension, so
   * `letter.html` and `letter.njk` would be taken for each other in one copy.
   * @returns the absolute path of the copy.
   */
  async of(files: Map<string, string>, extension: string): Promise<string> {
    const hash = createHash('sha256')
      .update(`${extension}\n`)
      .update(JSON.stringify([...files].sort(([a], [b]) => (a < b ? -1 : 1))))
      .digest('hex');
    const before = this.#copies.get(hash);
    // Temporary folders are swept, some after ten days.
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
      // Names come from the database, and whoever can write there is not to write here.
      if (relative(folder, path).split(sep)[0] === '..') throw new TemplateOutsideFolderError(file, folder);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, source);
    }
    return folder;
  }
}

async function isWhole(folder: string, files: Map<string, string>): Promise<boolean> {
  const looks = await Promise.allSettled([...files.keys()].map((file) => access(join(folder, file))));
  return looks.every(({ status }) => status === 'fulfilled');
}
