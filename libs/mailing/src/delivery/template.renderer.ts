import type { Mailbox } from '../model/email-address.js';
import type { TemplateEmailInfo } from '../model/template-email-info.js';
import type { ShownSlot } from './slot.finder.js';

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
 * @param part `html` and `alt` are the two templates of a mailing, with a language or null; `partial` is one by its name.
 */
export function keyOf(part: 'html' | 'alt' | 'partial', name: string | null): string {
  return name === null ? part : `${part}:${name}`;
}

/** The templates of one mailing, opened and compiled once. */
export interface MailingTemplate {
  /** All it is made from: opened again with this, it is the same, whatever has become of the files. */
  readonly content: TemplateContent;
  /** Where `fillFromTemplate` is true. */
  readonly fills?: TemplateFills;
  /**
   * @param variables `locale` picks the language.
   * @throws whatever the template throws for this recipient; it costs this recipient only.
   */
  render(variables: Record<string, unknown>): RenderedEmail;
  /** Slots that these templates show, each once. Default: none. */
  readonly slots?: ShownSlot[];
}

/** The seam to template engines. */
export interface TemplateRenderer {
  /**
   * Opens the templates of a mailing and tries them once.
   *
   * @param kept what an earlier `open` of this mailing has read; null: to be read now.
   *
   * @throws TemplateMissingError if a file is not there, TemplateOutsideFolderError if it lies outside the folder,
   * TemplateNotCompilingError if a template or the subject does not render with the mailing's own parameters.
   */
  open(info: TemplateEmailInfo, kept?: TemplateContent | null): Promise<MailingTemplate>;
}
