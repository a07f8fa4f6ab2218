import {
  InvalidFieldError,
  TemplateMissingError,
  TemplateNotCompilingError,
} from '../../model/errors/request.errors.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import { handlebarsIn } from './front-matter.js';
import { partialUses } from './partial-uses.js';
import { MAX_TEMPLATE_CHARACTERS, type TemplateFolder } from './template-folder.js';
import { keyOf, type TemplateContent } from '../../model/ports/template.renderer.js';

const MAX_LANGUAGES = 200;

/** A source whose partials are not read yet. */
interface Unread {
  templateUrl: string;
  source: string;
}

/** The sources that were read, and their files. */
export interface ReadContent {
  content: TemplateContent;
  /** Paths relative to the folder, by the key of the content. */
  files: ReadonlyMap<string, string>;
}

/** Reads everything a mailing may show: its templates in all languages, and the partials they use. */
export class TemplateContentReader {
  /** @param partials null: there are none. */
  constructor(
    private readonly folder: TemplateFolder,
    private readonly partials: TemplateFolder | null,
  ) {}

  /**
   * @throws TemplateMissingError, TemplateOutsideFolderError; TemplateNotCompilingError for a missing partial, or a template that can't be
   * parsed; TemplateFrontMatterError; TemplateEncodingError; InvalidFieldError for two files of one language, for more than 200 languages or
   * 4,194,304 characters.
   */
  async read({ templateUrl, altTemplateUrl, fillFromTemplate }: TemplateEmailInfo): Promise<ReadContent> {
    const content: TemplateContent = {};
    const files = new Map<string, string>();
    const read = (part: 'html' | 'alt', url: string, other?: string): Promise<Unread[]> =>
      this.#readLanguages(part, url, other, { content, files });
    const pages = await read('html', templateUrl, altTemplateUrl);
    const unread = fillFromTemplate ? pages.flatMap(partsOf) : pages;
    if (altTemplateUrl !== undefined) unread.push(...(await read('alt', altTemplateUrl, templateUrl)));
    await this.#readPartials(unread, content);
    const size = Object.values(content).reduce((sum, source) => sum + source.length, 0);
    if (size > MAX_TEMPLATE_CHARACTERS) {
      const expected = `a template with at most ${MAX_TEMPLATE_CHARACTERS} characters, all languages and partials taken together`;
      throw new InvalidFieldError('templateUrl', expected, templateUrl);
    }
    return { content, files };
  }

  async #readLanguages(
    part: 'html' | 'alt',
    templateUrl: string,
    otherUrl: string | undefined,
    { content, files }: { content: TemplateContent; files: Map<string, string> },
  ): Promise<Unread[]> {
    const read: Unread[] = [];
    const add = async (url: string, language: string | null): Promise<void> => {
      const source = await this.folder.read(url);
      content[keyOf(part, language)] = source;
      files.set(keyOf(part, language), url);
      read.push({ templateUrl: url, source });
    };
    await add(templateUrl, null);
    // `letter.txt.hbs` beside `letter.hbs` is not `letter` in the language `txt`.
    const languages = await this.folder.languagesOf(templateUrl, otherUrl);
    if (languages.size > MAX_LANGUAGES)
      throw new InvalidFieldError(
        'templateUrl',
        `a template in at most ${MAX_LANGUAGES} languages`,
        templateUrl,
      );
    for (const [language, url] of languages) await add(url, language);
    return read;
  }

  async #readPartials(unread: Unread[], content: TemplateContent): Promise<void> {
    const defined = new Set<string>();
    const missing = new Map<string, string>();
    let isDynamic = false;
    for (let one = unread.pop(); one; one = unread.pop()) {
      const { templateUrl } = one;
      const uses = usesOf(one);
      for (const name of uses.defined) defined.add(name);
      isDynamic ||= uses.isDynamic;
      const names = [...uses.needed, ...uses.optional, ...(uses.isDynamic ? await this.#allPartials() : [])];
      for (const name of names) {
        if (keyOf('partial', name) in content) continue;
        const source = await this.#readPartial(name);
        if (source === null) {
          if (uses.needed.has(name)) missing.set(name, templateUrl);
          continue;
        }
        content[keyOf('partial', name)] = source;
        unread.push({ templateUrl: `${name}.hbs`, source });
      }
    }
    // With a computed name all partials are read, and most of them are not for this template, so none has to exist.
    if (isDynamic) return;
    for (const [name, templateUrl] of missing) {
      if (!defined.has(name))
        throw new TemplateNotCompilingError(templateUrl, new Error(`there is no partial ${name}`));
    }
  }

  async #readPartial(name: string): Promise<string | null> {
    try {
      return (await this.partials?.read(`${name}.hbs`)) ?? null;
    } catch (error) {
      if (error instanceof TemplateMissingError) return null;
      throw error;
    }
  }

  async #allPartials(): Promise<string[]> {
    return (await this.partials?.names()) ?? [];
  }
}

function partsOf({ templateUrl, source }: Unread): Unread[] {
  return Object.entries(handlebarsIn(templateUrl, source)).map(([url, part]) => ({
    templateUrl: url,
    source: part,
  }));
}

function usesOf({ templateUrl, source }: Unread): ReturnType<typeof partialUses> {
  try {
    return partialUses(source);
  } catch (error) {
    throw new TemplateNotCompilingError(templateUrl, error);
  }
}
