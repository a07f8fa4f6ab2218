import { lookupChain } from '../../model/values/locale-tag.js';
import type { TemplateHelper } from '../../model/options/content-options.js';
import { TemplateNotStoredError } from '../../model/errors/request.errors.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import { handlebarsIn, splitFrontMatter } from '../templates/front-matter.js';
import { createEngine } from './handlebars.engine.js';
import { compiled, type Render, type Variables } from './compile-source.js';
import { FurtherHeaders, headerSourcesOf } from '../templates/further-headers.js';
import { HeaderTemplates } from '../templates/header-templates.js';
import { toSubject } from '../mime/rendered-email.check.js';
import type { Engine } from './slot.block.js';
import { slotsShownBy } from './slot.finder.js';
import type { ReadContent } from '../templates/template-content.reader.js';
import { SAMPLE_RECIPIENT, TemplateContext } from './template-context.js';
import {
  keyOf,
  type MailingTemplate,
  type RenderedEmail,
  type ShownSlot,
  type TemplateContent,
  type TemplateFills,
} from '../../model/ports/template.renderer.js';

/** By language in lower case; '' is the default for all other recipients. */
type Languages<T = Render> = Map<string, T>;

/** A template in one language. */
interface Page {
  body: Render;
  /** Null without `fillFromTemplate`. */
  headers: HeaderTemplates | null;
}

/** The templates of one mailing in all its languages, each compiled when it is first needed. */
export class HandlebarsTemplate implements MailingTemplate {
  readonly content: TemplateContent;
  readonly slots: ShownSlot[];
  readonly #subject: Render;
  readonly #furtherHeaders: FurtherHeaders;
  readonly #html: Languages<Page>;
  readonly #alternative: Languages | null;
  readonly #mailingLanguages: string[];

  constructor(
    private readonly info: TemplateEmailInfo,
    { content, files }: ReadContent,
    helpers: Record<string, TemplateHelper>,
    private readonly toText: (html: string) => string,
  ) {
    this.content = content;
    // Handlebars compiles a partial with the options of its first caller, so escaped and plain templates need separate engines.
    const escaping = engineOf(content, helpers);
    const plain = engineOf(content, helpers);
    this.#subject = compiled(plain, 'subject', info.subject ?? '', true);
    this.#furtherHeaders = new FurtherHeaders(info, (label, source) => compiled(plain, label, source, true));
    this.#html = languagesOf({ content, files }, 'html', info.templateUrl, (url, source) => {
      if (!info.fillFromTemplate) return { body: compiled(escaping, url, source, false), headers: null };
      const { frontMatter, body } = splitFrontMatter(url, source);
      const headers = new HeaderTemplates(url, frontMatter, (label, text) =>
        compiled(plain, label, text, true),
      );
      return { body: compiled(escaping, url, body, false), headers };
    });
    const { altTemplateUrl } = info;
    this.#alternative =
      altTemplateUrl === undefined
        ? null
        : languagesOf({ content, files }, 'alt', altTemplateUrl, (url, source) =>
            compiled(plain, url, source, true),
          );
    this.#mailingLanguages = lookupChain(info.locale);
    this.slots = slotsShownBy(plain, sourcesOf(info, { content, files }));
  }

  /** @throws TemplateNotCompilingError if a tried template does not render for a made-up recipient. */
  try(which: 'default' | 'all'): void {
    const languages = ['', ...this.#html.keys(), ...(this.#alternative?.keys() ?? [])];
    const context = new TemplateContext('sample', this.info);
    for (const language of which === 'all' ? new Set(languages) : [undefined]) {
      const own = language === undefined ? SAMPLE_RECIPIENT : { ...SAMPLE_RECIPIENT, locale: language };
      this.#renderIn(language === '' ? [] : this.#wanted(language), context.of(own));
    }
  }

  get fills(): TemplateFills | undefined {
    const { headers } = bestOf(this.#html, this.#wanted(undefined));
    if (!headers) return undefined;
    const context = new TemplateContext('sample', this.info);
    return {
      name: headers.name(context.of({})),
      subject: headers.frontMatter.subject?.trim() || null,
      from: headers.fromText(context.of(SAMPLE_RECIPIENT)),
    };
  }

  render(variables: Variables): RenderedEmail {
    return this.#renderIn(this.#wanted(variables.locale), variables);
  }

  #renderIn(wanted: string[], variables: Variables): RenderedEmail {
    const { sendAsHtml, sendAsText } = this.info;
    // Without a text template the text part is made from the html, even if only text is sent.
    const { body, headers } = bestOf(this.#html, wanted);
    const html = sendAsHtml === false && this.#alternative ? undefined : body(variables);
    const subject = headers?.subject(variables) ?? toSubject(this.#subject(variables));
    const rendered: RenderedEmail = headers ? { subject, headers: headers.render(variables) } : { subject };
    const furtherHeaders = this.#furtherHeaders.render(variables);
    if (furtherHeaders) rendered.furtherHeaders = furtherHeaders;
    if (sendAsHtml !== false) rendered.html = html;
    if (sendAsText !== false) {
      rendered.text = this.#alternative
        ? bestOf(this.#alternative, wanted)(variables)
        : this.toText(html ?? '');
    }
    return rendered;
  }

  /** A locale is compared with the languages that were found, and never becomes part of a path. */
  #wanted(locale: unknown): string[] {
    if (this.#html.size === 1 && (this.#alternative?.size ?? 1) === 1) return [];
    return [...lookupChain(locale), ...this.#mailingLanguages];
  }
}

/** The sources that are rendered, by the names that errors show. Partials are found through the templates that include them. */
function sourcesOf(info: TemplateEmailInfo, { content, files }: ReadContent): TemplateContent {
  const { subject, templateUrl, altTemplateUrl, fillFromTemplate } = info;
  const sources: TemplateContent = { subject: subject ?? '', ...headerSourcesOf(info) };
  for (const [key, source] of Object.entries(content)) {
    const [part, language] = key.split(':', 2);
    const url = part === 'html' ? templateUrl : part === 'alt' ? altTemplateUrl : undefined;
    if (url === undefined) continue;
    const name = nameOf(url, language ?? null, files.get(key));
    if (part === 'html' && fillFromTemplate) Object.assign(sources, handlebarsIn(name, source));
    else sources[name] = source;
  }
  return sources;
}

function engineOf(content: TemplateContent, helpers: Record<string, TemplateHelper>): Engine {
  const engine = createEngine(helpers, true);
  const prefix = keyOf('partial', '');
  for (const [key, source] of Object.entries(content)) {
    if (key.startsWith(prefix)) engine.registerPartial(key.slice(prefix.length), source);
  }
  return engine;
}

/** The path of its file. Stored content has languages, but no files. */
function nameOf(templateUrl: string, language: string | null, file: string | undefined): string {
  return file ?? (language === null ? templateUrl : `${templateUrl} (${language})`);
}

function languagesOf<T>(
  { content, files }: ReadContent,
  part: 'html' | 'alt',
  templateUrl: string,
  compile: (templateUrl: string, source: string) => T,
): Languages<T> {
  const main = content[part];
  if (main === undefined) throw new TemplateNotStoredError(templateUrl);
  const languages: Languages<T> = new Map([['', compile(templateUrl, main)]]);
  const prefix = keyOf(part, '');
  for (const [key, source] of Object.entries(content)) {
    if (!key.startsWith(prefix)) continue;
    const language = key.slice(prefix.length);
    languages.set(language, compile(nameOf(templateUrl, language, files.get(key)), source));
  }
  return languages;
}

function bestOf<T>(languages: Languages<T>, wanted: string[]): T {
  const best = wanted.find((language) => languages.has(language)) ?? '';
  return languages.get(best) as T;
}
