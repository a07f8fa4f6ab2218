import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { assertOneFileEach, assertSpelled, filesByLanguage } from './language-files.js';
import {
  InvalidFieldError,
  TemplateEmailRequestError,
  TemplateMissingError,
  TemplateOutsideFolderError,
} from '../../model/errors/request.errors.js';
import { leadsOut } from './leads-out.js';
import { decodeTemplate } from './template.decoder.js';

const DEFAULT_EXTENSION = '.hbs';

/** Characters of all templates of a mailing together. */
export const MAX_TEMPLATE_CHARACTERS = 4 * 1024 * 1024;
/**
 * Bytes. A larger file has too many characters in any case and is not read: a character (UTF-16 unit) takes at most three bytes, a pair of them
 * four.
 */
const MAX_BYTES = 3 * MAX_TEMPLATE_CHARACTERS;

/** The folder that templates are confined to. Links that lead out of it are refused. */
export class TemplateFolder {
  constructor(private readonly dir: string) {}

  /**
   * Reads a template by its path relative to the folder; without an extension, `.hbs` is meant.
   *
   * @throws TemplateOutsideFolderError if the path leads out of the folder, also by a link.
   * @throws TemplateMissingError if there is no such file.
   * @throws InvalidFieldError if it has over 12 MiB, before it is read.
   * @throws TemplateEncodingError unless it is UTF-8.
   */
  async read(templateUrl: string): Promise<string> {
    const path = this.#pathOf(templateUrl);
    this.#confine(this.dir, path, templateUrl);
    try {
      const [realDir, realPath] = await Promise.all([realpath(this.dir), realpath(path)]);
      this.#confine(realDir, realPath, templateUrl);
      const file = await stat(realPath);
      if (!file.isFile()) throw new Error('It is no file.');
      if (file.size > MAX_BYTES) {
        const expected = `a template with at most ${MAX_TEMPLATE_CHARACTERS} characters`;
        throw new InvalidFieldError('templateUrl', expected, templateUrl);
      }
      return decodeTemplate(templateUrl, await readFile(realPath));
    } catch (error) {
      if (error instanceof TemplateEmailRequestError) throw error;
      throw new TemplateMissingError(templateUrl, path, error);
    }
  }

  /**
   * The other languages of a template: files beside it with a tag before the extension, `letter.fr-CA.hbs`.
   *
   * @param otherUrl the other template of the mailing. It is no language of this one, although `letter.txt.hbs` looks so beside `letter.hbs`.
   * @returns their paths, relative to the folder, by tag in lower case.
   * @throws TemplateMissingError if the file is spelled otherwise, which a file system that ignores letter case lets pass: its languages would
   * not be found.
   * @throws InvalidFieldError if two files are the same language: one of them would never be tried or sent.
   */
  async languagesOf(templateUrl: string, otherUrl?: string): Promise<Map<string, string>> {
    const path = this.#pathOf(templateUrl);
    const other = otherUrl === undefined ? null : this.#pathOf(otherUrl);
    const all = await readdir(dirname(path));
    assertSpelled(all, basename(path), templateUrl);
    const names = all.filter((name) => join(dirname(path), name) !== other);
    const languages = filesByLanguage(names, basename(path));
    assertOneFileEach(templateUrl, languages);
    return new Map([...languages].map(([tag, [name]]) => [tag, slashed(join(dirname(templateUrl), name))]));
  }

  /**
   * The path of a template relative to the folder, with `/` between folders, however it is written.
   *
   * @throws TemplateOutsideFolderError
   */
  nameOf(templateUrl: string): string {
    const path = this.#pathOf(templateUrl);
    this.#confine(this.dir, path, templateUrl);
    return slashed(relative(this.dir, path));
  }

  /**
   * All files of the folder with one of these extensions, in the form of `nameOf`. Names that begin with a dot, `node_modules` and links to
   * folders are left out.
   */
  async files(extensions: ReadonlySet<string>): Promise<string[]> {
    const entries = await readdir(this.dir, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() && extensions.has(extname(entry.name)))
      .map((entry) => relative(this.dir, join(entry.parentPath, entry.name)).split(sep))
      .filter((names) => !names.some((name) => name.startsWith('.') || name === 'node_modules'))
      .map((names) => names.join('/'))
      .sort();
  }

  /** The names of all Handlebars files, as templates write the names of partials: without extension, with `/` between folders. */
  async names(): Promise<string[]> {
    const files = await readdir(this.dir, { recursive: true }).catch(() => []);
    return files
      .filter((file) => file.endsWith(DEFAULT_EXTENSION))
      .map((file) => file.slice(0, -DEFAULT_EXTENSION.length).split(sep).join('/'));
  }

  #pathOf(templateUrl: string): string {
    const file = extname(templateUrl) === '' ? `${templateUrl}${DEFAULT_EXTENSION}` : templateUrl;
    return resolve(this.dir, file);
  }

  #confine(dir: string, path: string, templateUrl: string): void {
    if (leadsOut(dir, path)) throw new TemplateOutsideFolderError(templateUrl, this.dir);
  }
}

function slashed(path: string): string {
  return path.split(sep).join('/');
}
