import { type Mailbox, parseMailbox } from '../../model/addresses/email-address.js';
import { MAX_HEADER_VALUE } from '../../model/values/header-words.js';
import { TemplateFrontMatterError } from '../../model/errors/request.errors.js';
import type { FrontMatter } from './front-matter.js';
import { mailboxTemplates, type TemplateSource } from './mailbox-templates.js';
import { toSubject } from '../mime/rendered-email.check.js';
import type { RenderedHeaders } from '../../model/ports/template.renderer.js';
import { toOneLine } from '../../model/values/bounded-text.js';

type Render = (variables: Record<string, unknown>) => string;

const MAX_NAME = 255;
const LISTS: readonly string[] = ['replyTo', 'cc', 'bcc'];

/** The front matter of one template, compiled to be rendered for each recipient. */
export class HeaderTemplates {
  readonly #templates = new Map<string, Render>();
  /** One template for each mailbox of a list. */
  readonly #lists = new Map<string, Render[]>();

  constructor(
    private readonly templateUrl: string,
    readonly frontMatter: FrontMatter,
    compile: (label: string, source: TemplateSource) => Render,
  ) {
    for (const [name, source] of Object.entries(frontMatter)) {
      const label = `${templateUrl}: ${name}`;
      if (LISTS.includes(name))
        this.#lists.set(
          name,
          mailboxTemplates(source).map((one) => compile(label, one)),
        );
      else this.#templates.set(name, compile(label, source));
    }
  }

  /**
   * Empty values fall back to `info`.
   *
   * @throws TemplateFrontMatterError if a value renders to no address, or to more than the one that is written there, for example because of a
   * line break, or because a name makes two of it.
   */
  render(variables: Record<string, unknown>): RenderedHeaders {
    return {
      from: this.#one(variables),
      replyTo: this.#many('replyTo', variables),
      cc: this.#many('cc', variables),
      bcc: this.#many('bcc', variables),
    };
  }

  /** Null if the template has none, or renders none for this recipient. */
  subject(variables: Record<string, unknown>): string | null {
    return toSubject(this.#text('subject', variables)) || null;
  }

  /** The name of the mailing, so it is rendered without a recipient. */
  name(variables: Record<string, unknown>): string | null {
    const text = this.#text('name', variables);
    const name = text.length > MAX_HEADER_VALUE ? text : toOneLine(text);
    if (name.length > MAX_NAME)
      throw new TemplateFrontMatterError(this.templateUrl, 'name', `at most ${MAX_NAME} characters`, name);
    return name || null;
  }

  /** The sender in the form of `info.from`; null if the template has none. */
  fromText(variables: Record<string, unknown>): string | null {
    return this.#one(variables) ? this.#text('from', variables) : null;
  }

  #text(name: string, variables: Record<string, unknown>): string {
    return this.#templates.get(name)?.(variables).trim() ?? '';
  }

  #one(variables: Record<string, unknown>): RenderedHeaders['from'] {
    const text = this.#text('from', variables);
    if (text === '') return undefined;
    const mailbox = parseMailbox(text);
    if (!mailbox) throw this.#noAddress('from', text);
    return mailbox;
  }

  #many(name: 'replyTo' | 'cc' | 'bcc', variables: Record<string, unknown>): RenderedHeaders['cc'] {
    const mailboxes: Mailbox[] = [];
    for (const render of this.#lists.get(name) ?? []) {
      const text = render(variables).trim();
      if (text === '') continue;
      const mailbox = parseMailbox(text);
      if (!mailbox) throw this.#noAddress(name, text);
      mailboxes.push(mailbox);
    }
    return mailboxes.length === 0 ? undefined : mailboxes;
  }

  #noAddress(name: string, text: string): TemplateFrontMatterError {
    const expected =
      'one address in one line for each that is written there, such as "{{shop}}" <news@shop.example>, with names in quotes';
    return new TemplateFrontMatterError(this.templateUrl, name, expected, text);
  }
}
