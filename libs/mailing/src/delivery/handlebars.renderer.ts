import Handlebars from 'handlebars';
import { compile as compileHtmlToText } from 'html-to-text';
import { toOneLine } from '../model/email-address.js';
import { TemplateNotCompilingError } from '../model/refusal.errors.js';
import type { TemplateEmailInfo } from '../model/template-email-info.js';
import { TemplateContext } from './template-context.js';
import type { TemplateFolder } from './template-folder.js';
import type { MailingTemplate, RenderedEmail, TemplateRenderer } from './template.renderer.js';

type Render = (variables: Record<string, unknown>) => string;

const htmlToText = compileHtmlToText({
  wordwrap: 78,
  selectors: [
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true } },
    { selector: 'img', format: 'skip' },
  ],
});

/** Shown to a template that is only tried; no recipient ever gets it. */
const SAMPLE_RECIPIENT = { email: 'sample@example.org', name: 'Sample', userId: 'sample' };

/**
 * Renders with Handlebars. Html is escaped; the subject and the text part are not, because there `&amp;` would be read as
 * it stands. A variable that is missing, null or undefined renders as nothing.
 *
 * Each mailing compiles its own templates and keeps them to its end: nothing is shared by name, so two languages of one
 * template can't be mixed up, and editing a file takes effect with the next mailing.
 */
export class HandlebarsRenderer implements TemplateRenderer {
  readonly #engine = Handlebars.create();

  constructor(private readonly folder: TemplateFolder) {}

  async open(info: TemplateEmailInfo): Promise<MailingTemplate> {
    const subject = this.#compile('subject', info.subject, true);
    const html = this.#compile(info.templateUrl, await this.folder.read(info.templateUrl), false);
    const alternative =
      info.altTemplateUrl === undefined
        ? null
        : this.#compile(info.altTemplateUrl, await this.folder.read(info.altTemplateUrl), true);

    const render = (variables: Record<string, unknown>): RenderedEmail => {
      // The text part may be all that is sent, and then it still comes from the html.
      const htmlPart = info.sendAsHtml === false && alternative ? undefined : html(variables);
      const rendered: RenderedEmail = { subject: toOneLine(subject(variables)) };
      if (info.sendAsHtml !== false) rendered.html = htmlPart;
      if (info.sendAsText !== false)
        rendered.text = alternative ? alternative(variables) : htmlToText(htmlPart ?? '');
      return rendered;
    };
    render(new TemplateContext('sample', info).of(SAMPLE_RECIPIENT));
    return { render };
  }

  #compile(templateUrl: string, source: string, noEscape: boolean): Render {
    let template: Handlebars.TemplateDelegate | undefined;
    let tried = false;
    return (variables) => {
      try {
        // Handlebars parses at the first call, so the trial in `open` is what finds a template that does not compile.
        template ??= this.#engine.compile(source, { noEscape });
        const text = template(variables);
        tried = true;
        return text;
      } catch (error) {
        throw tried ? error : new TemplateNotCompilingError(templateUrl, error);
      }
    };
  }
}
