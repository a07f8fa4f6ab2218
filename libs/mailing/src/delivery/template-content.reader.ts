import {
  InvalidFieldError,
  TemplateMissingError,
  TemplateNotCompilingError,
} from '../model/refusal.errors.js';
import type { TemplateEmailInfo } from '../model/template-email-info.js';
import { handlebarsIn } from './front-matter.js';
import { partialUses } from './partial-uses.js';
import { MAX_TEMPLATE_CHARACTERS, type TemplateFolder } from './template-folder.js';
import { keyOf, type TemplateContent } from '../model/template.renderer.js';

const MOST_LANGUAGES = 200;

/** A source whose partials are still to be looked at. */
interface Unread {
  templateUrl: string;
  source: string;
}

/** Reads everything a mailing may show: its templates in all languages, and the partials they use. */
export class TemplateContentReader {
  /** @param partials null: there are none. */
  constructor(
    private readonly folder: TemplateFolder,
    private readonly partials: TemplateFolder | null,
  ) {}

  /**
   * @throws TemplateMissingError, TemplateOutsideFolderError; TemplateNotCompilingError for a partial that is nowhere;
   * TemplateFrontMatterError; TemplateEncodingError; InvalidFieldError for more than 200 languages or 4 MiB.
   */
  async read({ templateUrl, altTemplateUrl, fillFromTemplate }: TemplateEmailInfo): Promise<TemplateContent> {
    const content: TemplateContent = {};
    const pages = await this.#readLanguages('html', templateUrl, altTemplateUrl, content);
    const unread = fillFromTemplate ? pages.flatMap(partsOf) : pages;
    if (altTemplateUrl !== undefined)
      unread.push(...(await this.#readLanguages('alt', altTemplateUrl, templateUrl, content)));
    await this.#readPartials(unread, content);
    const size = Object.values(content).reduce((sum, source) => sum + source.length, 0);
    if (size > MAX_TEMPLATE_CHARACTERS) {
      const expected = `a template with at most ${MAX_TEMPLATE_CHARACTERS} characters, all languages and partials taken together`;
      throw new InvalidFieldError('templateUrl', expected, templateUrl);
    }
    return content;
  }

  async #readLanguages(
    part: 'html' | 'alt',
    templateUrl: string,
    otherUrl: string | undefined,
    content: TemplateContent,
  ): Promise<Unread[]> {
    const read: Unread[] = [];
    const add = async (url: string, language: string | null): Promise<void> => {
      const source = await this.folder.read(url);
      content[keyOf(part, language)] = source;
      read.push({ templateUrl: url, source });
    };
    await add(templateUrl, null);
    const languages = await this.folder.languagesOf(templateUrl);
    if (languages.size > MOST_LANGUAGES)
      throw new InvalidFieldError(
        'templateUrl',
        `a template in at most ${MOST_LANGUAGES} languages`,
        templateUrl,
      );
    // `letter.txt.hbs` beside `letter.hbs` is no letter in the language `txt`.
    for (const [language, url] of languages) if (url !== otherUrl) await add(url, language);
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
    // Then all partials were read, and most of them are not for this template.
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
