import { extname } from 'node:path';
import {
  InvalidFieldError,
  TemplateEncodingError,
  TemplateNotStoredError,
} from '../../model/errors/request.errors.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import { keyOf, type TemplateContent } from '../../model/ports/template.renderer.js';
import { assertOneFileEach, assertSpelled, filesByLanguage } from './language-files.js';
import { MAX_TEMPLATE_CHARACTERS, type TemplateFolder } from './template-folder.js';

const MAX_FILES = 1_000;

/** Extensions of files that engines include, besides that of the template; pictures are not among them. */
const EXTENSIONS =
  '.css .ejs .handlebars .hbs .htm .html .jade .liquid .md .mjml .njk .nunjucks .pug .svg .txt'.split(' ');

/** Reads all template sources of a folder, because only the engine knows which of them it will include. */
export class FolderContentReader {
  constructor(private readonly folder: TemplateFolder) {}

  /**
   * @throws TemplateMissingError, TemplateOutsideFolderError, also for a file of a language; TemplateEncodingError for any source that is not UTF-8;
   * InvalidFieldError for a path without extension, for two files of one language, and for more than 1,000 files or 4,194,304 characters.
   */
  async read({ templateUrl, altTemplateUrl }: TemplateEmailInfo): Promise<TemplateContent> {
    const content: TemplateContent = {};
    const extensions = new Set(EXTENSIONS);
    for (const [field, url] of Object.entries({ templateUrl, altTemplateUrl })) {
      if (url === undefined) continue;
      if (extname(url) === '')
        throw new InvalidFieldError(field, 'a path with its extension, for example welcome.pug', url);
      content[keyOf('file', this.folder.nameOf(url))] = await this.folder.read(url);
      extensions.add(extname(url));
    }
    const files = await this.folder.files(extensions);
    if (files.length > MAX_FILES) throw tooMuch(`${MAX_FILES} templates`, templateUrl);
    const needed = new Set([
      ...this.#allLanguages(files, templateUrl, altTemplateUrl),
      ...this.#allLanguages(files, altTemplateUrl, templateUrl),
    ]);
    let size = 0;
    for (const file of files) {
      // A needed file that can't be read is an error: without it, its recipients would silently get another language.
      const source = needed.has(file)
        ? await this.folder.read(file)
        : (content[keyOf('file', file)] ?? (await this.#readIncluded(file)));
      if (source === null) continue;
      size += source.length;
      if (size > MAX_TEMPLATE_CHARACTERS)
        throw tooMuch(`${MAX_TEMPLATE_CHARACTERS} characters of templates`, templateUrl);
      content[keyOf('file', file)] = source;
    }
    return content;
  }

  /** The sources by their paths relative to the folder. */
  filesOf(content: TemplateContent): Map<string, string> {
    const prefix = keyOf('file', '');
    const files = Object.entries(content).filter(([key]) => key.startsWith(prefix));
    return new Map(files.map(([key, source]) => [key.slice(prefix.length), source]));
  }

  /**
   * The files of one template by language in lower case; '' is the default file.
   *
   * @param other the other template of the mailing. It is no language of this one, although `letter.txt.pug` looks so beside `letter.pug`.
   * @throws TemplateNotStoredError if the content lacks the default file.
   */
  languagesOf(content: TemplateContent, templateUrl: string, other: string | undefined): Map<string, string> {
    const name = this.folder.nameOf(templateUrl);
    if (content[keyOf('file', name)] === undefined) throw new TemplateNotStoredError(templateUrl);
    const languages = this.#languageFiles(this.filesOf(content).keys(), name, other);
    return new Map([['', name], ...[...languages].map(([tag, its]): [string, string] => [tag, its.at(-1)!])]);
  }

  #languageFiles(files: Iterable<string>, name: string, other: string | undefined): Map<string, string[]> {
    const otherName = other === undefined ? null : this.folder.nameOf(other);
    return filesByLanguage(
      [...files].filter((file) => file !== otherName),
      name,
    );
  }

  /**
   * All files of a template in other languages.
   *
   * @throws TemplateMissingError as `assertSpelled`.
   * @throws InvalidFieldError if two of them are the same language.
   */
  #allLanguages(files: string[], url: string | undefined, other: string | undefined): string[] {
    if (url === undefined) return [];
    assertSpelled(files, this.folder.nameOf(url), url);
    const languages = this.#languageFiles(files, this.folder.nameOf(url), other);
    assertOneFileEach(url, languages);
    return [...languages.values()].flat();
  }

  /**
   * Null if the file can't be read; then it is missing where it is included. A source that is not UTF-8 is always refused, because some engines
   * silently leave out an include that they do not find.
   */
  async #readIncluded(file: string): Promise<string | null> {
    try {
      return await this.folder.read(file);
    } catch (error) {
      if (error instanceof TemplateEncodingError) throw error;
      return null;
    }
  }
}

function tooMuch(most: string, templateUrl: string): InvalidFieldError {
  return new InvalidFieldError('templateUrl', `in a template folder with at most ${most}`, templateUrl);
}
