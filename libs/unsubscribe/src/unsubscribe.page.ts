import { readOptions } from '../../mailing/src/parts.js';
import { UNSUBSCRIBE_PLACE } from './mailing-unsubscribe.errors.js';
import { UNSUBSCRIBE_TEXTS, type UnsubscribeTexts } from './unsubscribe.texts.js';

const STYLE =
  'body{font:1.125rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem}' +
  'button{font:inherit;padding:.5rem 1.5rem;cursor:pointer}';

/** Pages that do not name the recipient, so that a reader of a forwarded message learns nothing. */
export class UnsubscribePage {
  readonly #texts: UnsubscribeTexts;

  /** @throws MailingUnsubscribeOptionsError for a text that is unknown or no text. */
  constructor(texts: Partial<UnsubscribeTexts> = {}) {
    this.#texts = readOptions(UNSUBSCRIBE_PLACE.of('texts'), UNSUBSCRIBE_TEXTS, texts);
  }

  /** The button posts to the URL of the page, and sends what a mail provider's one-click request would. */
  ask(): string {
    const { title, question, button } = this.#texts;
    return this.#page(
      title,
      question,
      `<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">` +
        `<button type="submit">${escape(button)}</button></form>`,
    );
  }

  done(): string {
    return this.#page(this.#texts.doneTitle, this.#texts.done);
  }

  invalid(): string {
    return this.#page(this.#texts.invalidTitle, this.#texts.invalid);
  }

  #page(title: string, sentence: string, form = ''): string {
    return (
      `<!doctype html><html lang="${escape(this.#texts.language)}"><head><meta charset="utf-8">` +
      `<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">` +
      `<title>${escape(title)}</title><style>${STYLE}</style></head>` +
      `<body><main><h1>${escape(title)}</h1><p>${escape(sentence)}</p>${form}</main></body></html>`
    );
  }
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
