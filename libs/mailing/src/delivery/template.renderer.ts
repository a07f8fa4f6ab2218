import type { TemplateEmailInfo } from '../model/template-email-info.js';

/** What one recipient will read. */
export interface RenderedEmail {
  subject: string;
  html?: string;
  text?: string;
}

/** The templates of one mailing, opened and compiled once. */
export interface MailingTemplate {
  /** @throws whatever the template throws for this recipient; it costs this recipient only. */
  render(variables: Record<string, unknown>): RenderedEmail;
}

/** The seam to template engines. */
export interface TemplateRenderer {
  /**
   * Opens the templates of a mailing and tries them once.
   *
   * @throws TemplateMissingError if a file is not there, TemplateOutsideFolderError if it lies outside the folder,
   * TemplateNotCompilingError if a template or the subject does not render with the mailing's own parameters.
   */
  open(info: TemplateEmailInfo): Promise<MailingTemplate>;
}
