import { extname } from 'node:path';
import {
  InvalidFieldError,
  TemplateEncodingError,
  TemplateNotStoredError,
} from '../../model/errors/request.errors.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import { keyOf, type TemplateContent } from '../../model/ports/template.renderer.js';
import { assertOneFileEach, filesByLanguage } from './language-files.js';
import { MAX_TEMPLATE_CHARACTERS, type TemplateFolder } from './template-folder.js';

const MAX_FILES = 1_000;

/** What engines include beside files like the template itself; pictures are none of it. */
const EXTENSIONS =
  '.css .ejs .handlebars .hbs .htm .html .jade .liquid .md .mjml .njk .nunjucks .pug .svg .txt'.split(' ');

/** Reads all template sources of a folder, because which of them an engine will include only that engine knows. */
export class FolderContentReader {
  constructor(private readonly folder: TemplateFolder) {}

  /**
   * @throws TemplateMissingError, TemplateOutsideFolderError, also for a file of a language; TemplateEncodingError for any source that is not UTF-8;
   * InvalidFieldError for a path without extension, for two files of one language, and for more than 1,000 files or 4 MiB.
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
      // One that is missing would have its readers get another language, without a word.
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
   * The files of one template by language in lower case, that for everybody by the empty one.
   *
   * @param other is no language of this one, although `letter.txt.pug` looks so beside `letter.pug`.
   * @throws TemplateNotStoredError if that for everybody is not among the content.
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
   * All files that are the template in one language or another.
   *
   * @throws InvalidFieldError if two of them are the same language.
   */
  #allLanguages(files: string[], url: string | undefined, other: string | undefined): string[] {
    if (url === undefined) return [];
    const languages = this.#languageFiles(files, this.folder.nameOf(url), other);
    assertOneFileEach(url, languages);
    return [...languages.values()].flat();
  }

  /**
   * Null for what can't be read, and is missed by whatever includes it. A source that is not UTF-8 is refused in any case: some engines leave out
   * an include that they do not find, and say nothing.
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
