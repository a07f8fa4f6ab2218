import type { Mailbox } from '../addresses/email-address.js';
import type { TemplateEmailInfo } from '../mail/template-email-info.js';

/** A slot and the template that shows it. */
export interface ShownSlot {
  slot: string;
  templateUrl: string;
}

/** Headers that the template gives, over those of the info. */
export interface RenderedHeaders {
  from?: Mailbox;
  replyTo?: Mailbox[];
  cc?: Mailbox[];
  bcc?: Mailbox[];
}

/** What the template gives for the mailing as a whole; null where it gives nothing. */
export interface TemplateFills {
  name: string | null;
  /** Handlebars source. */
  subject: string | null;
  /** For a made-up recipient; what the `Message-ID`s are made from. */
  from: string | null;
}

/** What one recipient will read. */
export interface RenderedEmail {
  subject: string;
  headers?: RenderedHeaders;
  html?: string;
  text?: string;
}

/** The sources that a mailing is rendered from: by `keyOf`, each as it was read. */
export type TemplateContent = Record<string, string>;

/**
 * @param part `html` and `alt` are the two templates of a mailing, with a language or null; `partial` is one by its name, `file` one by its path in the folder.
 */
export function keyOf(part: 'html' | 'alt' | 'partial' | 'file', name: string | null): string {
  return name === null ? part : `${part}:${name}`;
}

/** The templates of one mailing, opened and compiled once. */
export interface MailingTemplate {
  /**
   * All it is made from: opened again with this, it is the same, whatever has become of the files. Stored with a persisted
   * mailing. Empty where the renderer keeps nothing, and then reads it anew after a restart.
   */
  readonly content: TemplateContent;
  /** Where `fillFromTemplate` is true. */
  readonly fills?: TemplateFills;
  /**
   * @param variables `locale` picks the language. The object is this recipient's own; what it holds may be seen by others, so change
   * nothing in it.
   * @returns the message, at once or later, but within `run.messageTimeoutMs`: who has none by then ends as `error: template`. Several
   * recipients may be rendered at a time, so what is returned is shared with none.
   * @throws whatever the template throws for this recipient; it costs this recipient only.
   */
  render(variables: Record<string, unknown>): RenderedEmail | Promise<RenderedEmail>;
  /** Slots that these templates show, each once. Default: none. */
  readonly slots?: ShownSlot[];
}

/**
 * The seam to template engines. Give a class by the option `renderer`; a provider of the host is used as it is, any other class
 * is instantiated by Nest with its dependencies. Refusals of its own are classes that extend `TemplateEmailRequestError`: at a restart
 * one pauses the mailing, with its message as the reason.
 *
 * @example
 * ```ts
 * class PlainLetters implements TemplateRenderer {
 *   async open({ subject = '' }: TemplateEmailInfo): Promise<MailingTemplate> {
 *     return { content: {}, render: ({ name }) => ({ subject, text: `Dear ${String(name)}` }) };
 *   }
 * }
 * ```
 */
export interface TemplateRenderer {
  /**
   * Opens the templates of a mailing and tries them once, within `run.hostCallTimeoutMs`.
   *
   * @param kept what an earlier `open` of this mailing has read; null: to be read now.
   *
   * @throws TemplateMissingError if a file is not there, TemplateOutsideFolderError if it lies outside the folder,
   * TemplateEncodingError if it is not UTF-8, TemplateNotCompilingError if a template or the subject does not render with the mailing's own parameters.
   */
  open(info: TemplateEmailInfo, kept?: TemplateContent | null): Promise<MailingTemplate>;
}

/** Injection token of the renderer in use. */
export const TEMPLATE_RENDERER = Symbol('TEMPLATE_RENDERER');
