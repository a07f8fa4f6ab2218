import { extname } from 'node:path';
import type { MailerOptions } from '@nestjs-modules/mailer';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { TextOptions } from '../../model/mail/text-options.js';
import type { TemplateHelper, TextConverter } from '../../model/options/content-options.js';
import { InvalidFieldError } from '../../model/errors/request.errors.js';
import { MailerAdapterMissingError, MailerMissingError } from '../../model/options/setup.errors.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import type {
  MailingTemplate,
  TemplateContent,
  TemplateRenderer,
} from '../../model/ports/template.renderer.js';
import { AdapterEngine } from './adapter.engine.js';
import { FolderContentReader } from '../templates/folder-content.reader.js';
import { type AdapterEngines, MailerAdapterTemplate, PLAIN } from './mailer-adapter.template.js';
import { type TextSettings, textWriters } from '../templates/plain-text.writer.js';
import { TemplateCopyFolder } from '../templates/template-copy.folder.js';
import { TemplateFolder } from '../templates/template-folder.js';

export interface MailerAdapterRendererOptions {
  /** For the subject, and for text templates in Handlebars. */
  helpers?: Record<string, TemplateHelper>;
  text?: TextSettings;
  /** Default: the plugin converts. */
  textConverter?: TextConverter | null;
}

/** Gives this file the mailer's options of a renderer. */
let mailerOptionsOf: (renderer: MailerAdapterRenderer) => MailerOptions;

/**
 * Renders with the template adapter of the host's `MailerModule`, for pug, mjml, ejs, nunjucks or liquid. Give it as the option `renderer`;
 * templates are still those of `templates.dir`. See `docs/content.md` for what it can and can't do.
 *
 * Adapters read their templates, and the files those include, themselves. To render a mailing later as it was sent, all template sources of
 * the folder are stored with it, and the adapter reads a private copy of them.
 *
 * @example
 * ```ts
 * MailingModule.forRoot({
 *   templates: { dir: join(import.meta.dirname, 'templates') },
 *   renderer: MailerAdapterRenderer,
 * });
 * ```
 */
export class MailerAdapterRenderer implements TemplateRenderer, OnApplicationShutdown {
  static {
    mailerOptionsOf = (renderer) => renderer.mailerOptions();
  }

  readonly #reader: FolderContentReader;
  readonly #copies = new TemplateCopyFolder();
  readonly #helpers: Record<string, TemplateHelper>;
  readonly #writerOf: (own: TextOptions | undefined) => (html: string) => string;

  /** @param mailerOptions of the host's `MailerModule`; called once the application is assembled. */
  constructor(
    private readonly dir: string,
    private readonly mailerOptions: () => MailerOptions,
    { helpers, text, textConverter }: MailerAdapterRendererOptions = {},
  ) {
    this.#reader = new FolderContentReader(new TemplateFolder(dir));
    this.#helpers = helpers ?? {};
    this.#writerOf = textWriters(text, textConverter);
  }

  /**
   * @throws TemplateMissingError, TemplateOutsideFolderError, TemplateEncodingError, TemplateNotCompilingError; TemplateNotStoredError if a
   * stored source is gone; InvalidFieldError for `fillFromTemplate`, for `slots`, for a path without extension, for two files of one language,
   * and for a folder with more than 1,000 templates or 4,194,304 characters of them.
   */
  async open(info: TemplateEmailInfo, kept: TemplateContent | null = null): Promise<MailingTemplate> {
    refuseWhatHandlebarsAloneCan(info);
    const content = kept ?? (await this.#reader.read(info));
    const engines = await this.#enginesFor(info, content);
    const template = new MailerAdapterTemplate(info, content, engines, this.#reader, {
      helpers: this.#helpers,
      toText: this.#writerOf(info.text),
    });
    await template.try(kept ? 'default' : 'all');
    return template;
  }

  async #enginesFor(
    { templateUrl, altTemplateUrl = templateUrl }: TemplateEmailInfo,
    content: TemplateContent,
  ): Promise<AdapterEngines> {
    const files = this.#reader.filesOf(content);
    const engines = new Map<string, AdapterEngine>();
    const html = extname(templateUrl);
    const text = PLAIN.has(extname(altTemplateUrl)) ? html : extname(altTemplateUrl);
    for (const extension of new Set([html, text])) {
      const copy = await this.#copies.of(files, extension);
      engines.set(extension, new AdapterEngine(this.mailerOptions(), this.dir, copy));
    }
    return engines;
  }

  /** Removes the copies. Nest calls it after all messages have been sent. */
  onApplicationShutdown(): Promise<void> {
    return this.#copies.remove();
  }
}

/** @throws MailerMissingError, MailerAdapterMissingError if the host's mailer has no adapter that the renderer could use. */
export function assertAdapter(renderer: MailerAdapterRenderer): void {
  let options: MailerOptions;
  try {
    options = mailerOptionsOf(renderer);
  } catch {
    throw new MailerMissingError();
  }
  if (typeof options.template?.adapter?.compile !== 'function') throw new MailerAdapterMissingError();
}

function refuseWhatHandlebarsAloneCan({ fillFromTemplate, slots }: TemplateEmailInfo): void {
  const expected = 'absent, because templates that MailerAdapterRenderer renders have none';
  if (fillFromTemplate) throw new InvalidFieldError('fillFromTemplate', expected, fillFromTemplate);
  if (slots !== undefined) throw new InvalidFieldError('slots', expected, slots);
}
