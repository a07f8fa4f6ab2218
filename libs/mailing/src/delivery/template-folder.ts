import { readFile, realpath } from 'node:fs/promises';
import { extname, isAbsolute, relative, resolve, sep } from 'node:path';
import { TemplateMissingError, TemplateOutsideFolderError } from '../model/refusal.errors.js';

const DEFAULT_EXTENSION = '.hbs';

/** The folder that templates are confined to, links that lead out of it included. */
export class TemplateFolder {
  constructor(private readonly dir: string) {}

  /**
   * Reads a template by its path relative to the folder; without an extension, `.hbs` is meant.
   *
   * @throws TemplateOutsideFolderError if the path leads out of the folder, also by a link.
   * @throws TemplateMissingError if there is no such file.
   */
  async read(templateUrl: string): Promise<string> {
    const path = resolve(
      this.dir,
      extname(templateUrl) === '' ? `${templateUrl}${DEFAULT_EXTENSION}` : templateUrl,
    );
    this.#confine(this.dir, path, templateUrl);
    try {
      const [realDir, realPath] = await Promise.all([realpath(this.dir), realpath(path)]);
      this.#confine(realDir, realPath, templateUrl);
      return await readFile(realPath, 'utf8');
    } catch (error) {
      if (error instanceof TemplateOutsideFolderError) throw error;
      throw new TemplateMissingError(templateUrl, path, error);
    }
  }

  #confine(dir: string, path: string, templateUrl: string): void {
    const inside = relative(dir, path);
    if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
      throw new TemplateOutsideFolderError(templateUrl, this.dir);
    }
  }
}
