import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';

type Render = (variables: Record<string, unknown>) => string;

/** Only what has one is rendered; all else is the same in each message. */
const EXPRESSION = '{{';

/** The further headers of a mailing that are templates, by the names that errors show. */
export function headerSourcesOf(info: TemplateEmailInfo): Record<string, string> {
  return Object.fromEntries(templatesIn(info).map(([name, source]) => [labelOf(name), source]));
}

/** The further headers of a mailing that are templates, compiled to be rendered for each recipient. */
export class FurtherHeaders {
  readonly #templates: [name: string, render: Render][];

  constructor(info: TemplateEmailInfo, compile: (label: string, source: string) => Render) {
    this.#templates = templatesIn(info).map(([name, source]) => [name, compile(labelOf(name), source)]);
  }

  /** @returns undefined if no header is a template. @throws what a template throws for this recipient. */
  render(variables: Record<string, unknown>): Record<string, string> | undefined {
    if (this.#templates.length === 0) return undefined;
    return Object.fromEntries(this.#templates.map(([name, render]) => [name, render(variables)]));
  }
}

function templatesIn({ headers = {} }: TemplateEmailInfo): [name: string, source: string][] {
  return Object.entries(headers).filter(([, value]) => value.includes(EXPRESSION));
}

function labelOf(name: string): string {
  return `headers[${JSON.stringify(name)}]`;
}
