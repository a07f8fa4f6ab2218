import { extname } from 'node:path';
import { lookupChain } from '../../model/values/locale-tag.js';
import type { TemplateHelper } from '../../model/options/content-options.js';
import { TemplateNotCompilingError } from '../../model/errors/request.errors.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import {
  keyOf,
  type MailingTemplate,
  type RenderedEmail,
  type TemplateContent,
} from '../../model/ports/template.renderer.js';
import type { AdapterEngine } from './adapter.engine.js';
import type { FolderContentReader } from '../templates/folder-content.reader.js';
import { createEngine } from '../handlebars/handlebars.engine.js';
import { compiled, type Render, type Variables } from '../handlebars/compile-source.js';
import { FurtherHeaders } from '../templates/further-headers.js';
import { toSubject } from '../mime/rendered-email.check.js';
import type { Engine } from '../handlebars/slot.block.js';
import { SAMPLE_RECIPIENT, TemplateContext } from '../handlebars/template-context.js';

/** One file, ready to be rendered. */
interface Page {
  file: string;
  render: (variables: Variables) => string | Promise<string>;
}

/** By language in lower case; '' is the default for all other recipients. */
type Languages = Map<string, Page>;

/** By the extension of the templates that the engine renders. */
export type AdapterEngines = ReadonlyMap<string, AdapterEngine>;

export interface MailerAdapterTemplateParts {
  helpers: Record<string, TemplateHelper>;
  toText: (html: string) => string;
}

/** Text templates with these extensions are Handlebars. Other engines make html, which is converted to text. */
export const PLAIN: ReadonlySet<string> = new Set(['.hbs', '.txt']);

/** The templates of one mailing in all its languages, rendered by the host's adapter. */
export class MailerAdapterTemplate implements MailingTemplate {
  readonly #subject: Render;
  readonly #furtherHeaders: FurtherHeaders;
  readonly #html: Languages;
  readonly #alternative: Languages | null;
  readonly #mailingLanguages: string[];

  /** @throws TemplateNotStoredError if the content lacks a template that is to be rendered. */
  constructor(
    private readonly info: TemplateEmailInfo,
    readonly content: TemplateContent,
    private readonly engines: AdapterEngines,
    reader: FolderContentReader,
    private readonly parts: MailerAdapterTemplateParts,
  ) {
    const { templateUrl, altTemplateUrl } = info;
    const plain = createEngine(parts.helpers, false);
    this.#subject = compiled(plain, 'subject', info.subject ?? '', true);
    this.#furtherHeaders = new FurtherHeaders(info, (label, source) => compiled(plain, label, source, true));
    const pages = (url: string, other: string | undefined, toPage: (file: string) => Page): Languages =>
      new Map([...reader.languagesOf(content, url, other)].map(([tag, file]) => [tag, toPage(file)]));
    this.#html = pages(templateUrl, altTemplateUrl, (file) => ({
      file,
      render: (variables) => this.#rendered(file, variables),
    }));
    this.#alternative =
      altTemplateUrl === undefined
        ? null
        : pages(altTemplateUrl, templateUrl, (file) => this.#textPage(plain, file));
    this.#mailingLanguages = lookupChain(info.locale);
  }

  /** @throws TemplateNotCompilingError if a tried template does not render for a made-up recipient. */
  async try(which: 'default' | 'all'): Promise<void> {
    const context = new TemplateContext('sample', this.info);
    this.#subject(context.of(SAMPLE_RECIPIENT));
    this.#furtherHeaders.render(context.of(SAMPLE_RECIPIENT));
    for (const languages of [this.#html, this.#alternative ?? new Map<string, Page>()]) {
      for (const [language, { file, render }] of languages) {
        if (which === 'default' && language !== '') continue;
        const own = language === '' ? SAMPLE_RECIPIENT : { ...SAMPLE_RECIPIENT, locale: language };
        try {
          await render(context.of(own));
        } catch (error) {
          throw error instanceof TemplateNotCompilingError
            ? error
            : new TemplateNotCompilingError(file, error);
        }
      }
    }
  }

  async render(variables: Variables): Promise<RenderedEmail> {
    const { sendAsHtml, sendAsText } = this.info;
    const wanted = [...lookupChain(variables.locale), ...this.#mailingLanguages];
    // Without a text template the text part is made from the html, even if only text is sent.
    const needsHtml = sendAsHtml !== false || !this.#alternative;
    const html = needsHtml ? await bestOf(this.#html, wanted).render(variables) : '';
    const rendered: RenderedEmail = { subject: toSubject(this.#subject(variables)) };
    const furtherHeaders = this.#furtherHeaders.render(variables);
    if (furtherHeaders) rendered.furtherHeaders = furtherHeaders;
    if (sendAsHtml !== false) rendered.html = html;
    if (sendAsText !== false) {
      rendered.text = this.#alternative
        ? await bestOf(this.#alternative, wanted).render(variables)
        : this.parts.toText(html);
    }
    return rendered;
  }

  #textPage(plain: Engine, file: string): Page {
    if (PLAIN.has(extname(file)))
      return { file, render: compiled(plain, file, this.content[keyOf('file', file)], true) };
    return {
      file,
      render: async (variables) => this.parts.toText(await this.#rendered(file, variables)),
    };
  }

  #rendered(file: string, variables: Variables): Promise<string> {
    return this.engines.get(extname(file))!.render(file, variables);
  }
}

function bestOf(languages: Languages, wanted: string[]): Page {
  const best = wanted.find((language) => languages.has(language)) ?? '';
  return languages.get(best) as Page;
}
