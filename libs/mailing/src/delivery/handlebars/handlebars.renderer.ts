import type { TextOptions } from '../../model/mail/text-options.js';
import type { TemplateHelper, TextConverter } from '../../model/options/content-options.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import { HandlebarsTemplate } from './handlebars.template.js';
import { type TextSettings, textWriters } from '../templates/plain-text.writer.js';
import { TemplateContentReader } from '../templates/template-content.reader.js';
import type { TemplateFolder } from '../templates/template-folder.js';
import type { TemplateContent, TemplateRenderer } from '../../model/ports/template.renderer.js';

export interface HandlebarsRendererOptions {
  /** Where partials are. Default: there are none. */
  partials?: TemplateFolder | null;
  helpers?: Record<string, TemplateHelper>;
  text?: TextSettings;
  /** Default: the plugin converts. */
  textConverter?: TextConverter | null;
}

/**
 * Renders with Handlebars. Html is escaped. The subject and the text part are not, because readers would see `&amp;` there. A variable that is
 * missing, null or undefined renders as nothing.
 *
 * Each mailing compiles its own templates and keeps them until it ends. Nothing is shared by name: two languages of one template can't be mixed
 * up, and an edited file takes effect with the next mailing.
 */
export class HandlebarsRenderer implements TemplateRenderer {
  readonly #reader: TemplateContentReader;
  readonly #helpers: Record<string, TemplateHelper>;
  readonly #writerOf: (own: TextOptions | undefined) => (html: string) => string;

  constructor(
    folder: TemplateFolder,
    { partials, helpers, text, textConverter }: HandlebarsRendererOptions = {},
  ) {
    this.#reader = new TemplateContentReader(folder, partials ?? null);
    this.#helpers = helpers ?? {};
    this.#writerOf = textWriters(text, textConverter);
  }

  async open(info: TemplateEmailInfo, kept: TemplateContent | null = null): Promise<HandlebarsTemplate> {
    const read = kept ? { content: kept, files: new Map<string, string>() } : await this.#reader.read(info);
    const template = new HandlebarsTemplate(info, read, this.#helpers, this.#writerOf(info.text));
    // Stored content was tried in all its languages when the mailing was sent.
    template.try(kept ? 'default' : 'all');
    return template;
  }
}
