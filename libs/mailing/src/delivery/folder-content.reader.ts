import { extname } from 'node:path';
import { lookupChain } from '../model/locale-tag.js';
import {
  InvalidFieldError,
  TemplateEncodingError,
  TemplateMissingError,
  TemplateNotKeptError,
} from '../model/refusal.errors.js';
import type { TemplateEmailInfo } from '../model/template-email-info.js';
import { keyOf, type TemplateContent } from '../model/template.renderer.js';
import { MAX_TEMPLATE_CHARACTERS, type TemplateFolder } from './template-folder.js';

const MOST_FILES = 1_000;

/** What engines include beside files like the template itself; pictures are none of it. */
const EXTENSIONS =
  '.css .ejs .handlebars .hbs .htm .html .jade .liquid .md .mjml .njk .nunjucks .pug .svg .txt'.split(' ');

/** Reads all template sources of a folder, because which of them an engine will include only that engine knows. */
export class FolderContentReader {
  constructor(private readonly folder: TemplateFolder) {}

  /**
   * @throws TemplateMissingError, TemplateOutsideFolderError; TemplateEncodingError for any source that is not UTF-8;
   * InvalidFieldError for a path without extension, and for more than 1,000 files or 4 MiB.
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
    if (files.length > MOST_FILES) throw tooMuch(`${MOST_FILES} templates`, templateUrl);
    let size = 0;
    for (const file of files) {
      const source =
        content[keyOf('file', file)] ?? (await this.#readIncluded(file, { templateUrl, altTemplateUrl }));
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
   * @throws TemplateNotKeptError if that for everybody is not among the content.
   */
  languagesOf(content: TemplateContent, templateUrl: string, other: string | undefined): Map<string, string> {
    const name = this.folder.nameOf(templateUrl);
    if (content[keyOf('file', name)] === undefined) throw new TemplateNotKeptError(templateUrl);
    const extension = extname(name);
    const start = name.slice(0, -extension.length);
    const otherName = other === undefined ? null : this.folder.nameOf(other);
    const languages = new Map([['', name]]);
    for (const file of [...this.filesOf(content).keys()].sort()) {
      if (file === otherName || !file.startsWith(`${start}.`) || !file.endsWith(extension)) continue;
      const [tag] = lookupChain(file.slice(start.length + 1, -extension.length));
      if (tag) languages.set(tag, file);
    }
    return languages;
  }

  /**
   * Null for what can't be read. That of a language has to be there; the rest is missed by whatever includes it. A source that is not UTF-8
   * is refused in any case: some engines leave out an include that they do not find, and say nothing.
   */
  async #readIncluded(file: string, templates: Record<string, string | undefined>): Promise<string | null> {
    try {
      return await this.folder.read(file);
    } catch (error) {
      if (error instanceof TemplateEncodingError) throw error;
      const isLanguage = Object.values(templates).some(
        (url) =>
          url !== undefined && file.startsWith(`${this.folder.nameOf(url).slice(0, -extname(url).length)}.`),
      );
      if (isLanguage && !(error instanceof TemplateMissingError)) throw error;
      return null;
    }
  }
}

function tooMuch(most: string, templateUrl: string): InvalidFieldError {
  return new InvalidFieldError('templateUrl', `in a template folder with at most ${most}`, templateUrl);
}
