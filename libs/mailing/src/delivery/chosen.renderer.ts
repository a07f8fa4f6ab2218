import type { TemplateEmailInfo } from '../model/template-email-info.js';
import type { MailingTemplate, TemplateContent, TemplateRenderer } from '../model/template.renderer.js';

/** The renderer in use, which may be the host's and is known only once the application has been put together. */
export class ChosenRenderer implements TemplateRenderer {
  constructor(public renderer: TemplateRenderer) {}

  use(renderer: TemplateRenderer): void {
    this.renderer = renderer;
  }

  open(info: TemplateEmailInfo, kept?: TemplateContent | null): Promise<MailingTemplate> {
    return this.renderer.open(info, kept);
  }
}
