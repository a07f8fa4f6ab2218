import { tokenOf } from '../values/token.js';
import type { Mailbox } from '../addresses/email-address.js';
import type { TemplateEmailInfo } from '../mail/template-email-info.js';

/** A slot and the template that shows it. */
export interface ShownSlot {
  slot: string;
  templateUrl: string;
}

/** Headers from the template, which win over those of the info. */
export interface RenderedHeaders {
  from?: Mailbox;
  replyTo?: Mailbox[];
  cc?: Mailbox[];
  bcc?: Mailbox[];
}

/** What the template fills in for the mailing as a whole; null where it fills in nothing. */
export interface TemplateFills {
  name: string | null;
  /** Handlebars source. */
  subject: string | null;
  /** Rendered for a sample recipient; the `Message-ID`s are made from it. */
  from: string | null;
}

/** The message of one recipient. */
export interface RenderedEmail {
  subject: string;
  headers?: RenderedHeaders;
  /** Further headers of this message, over those of the info; an empty value leaves the header out. */
  furtherHeaders?: Record<string, string>;
  html?: string;
  text?: string;
}

/** The sources that a mailing is rendered from, each as it was read, under a key that the renderer chooses. */
export type TemplateContent = Record<string, string>;

/**
 * @param part `html` or `alt`: one of the two templates of a mailing; `partial`: a partial; `file`: a file of the template folder.
 * @param name for `html` and `alt` a language or null, for `partial` its name, for `file` its path in the folder.
 */
export function keyOf(part: 'html' | 'alt' | 'partial' | 'file', name: string | null): string {
  return name === null ? part : `${part}:${name}`;
}

/** The templates of one mailing, opened and compiled once. */
export interface MailingTemplate {
  /**
   * All sources of the template. Opened again with them it is the same template, even if the files have changed. Stored with a persisted
   * mailing. Empty if the renderer keeps nothing; it then reads its sources anew after a restart.
   */
  readonly content: TemplateContent;
  /** Set if `fillFromTemplate` is true. */
  readonly fills?: TemplateFills;
  /**
   * @param variables `locale` selects the language. The object is this recipient's own, but its nested values may be shared: change nothing
   * in them.
   * @returns the message, or a promise of it. A recipient without a message after `run.messageTimeoutMs` ends as `error: template`. Several
   * recipients may be rendered at a time, so return a new object for each.
   * @throws whatever the template throws for this recipient; only this recipient is affected.
   */
  render(variables: Record<string, unknown>): RenderedEmail | Promise<RenderedEmail>;
  /** Slots that these templates show, each once. Default: none. */
  readonly slots?: ShownSlot[];
}

/**
 * The port to template engines. Give a class by the option `renderer`; a provider of the host is used as it is, any other class is
 * instantiated by Nest with its dependencies. Errors by which it refuses a mailing extend `TemplateEmailRequestError`: at a restart such an
 * error pauses the mailing, with its message as the reason.
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
   * @param kept `content` of an earlier `open` of this mailing; null: read the sources now.
   *
   * @throws TemplateMissingError if a file is not there, TemplateOutsideFolderError if it lies outside the folder, TemplateEncodingError if
   * it is not UTF-8, TemplateNotCompilingError if a template or the subject does not render with the mailing's own parameters.
   */
  open(info: TemplateEmailInfo, kept?: TemplateContent | null): Promise<MailingTemplate>;
}

/** Injection token of the renderer in use. */
export const TEMPLATE_RENDERER = tokenOf<TemplateRenderer>('TEMPLATE_RENDERER');
