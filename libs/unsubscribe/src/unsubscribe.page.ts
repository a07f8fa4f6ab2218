import { kindOf } from '../../mailing/src/index.js';
import { MailingUnsubscribeOptionsError } from './mailing-unsubscribe.errors.js';

/** The words of the page, as text; html is escaped. */
export interface UnsubscribeTexts {
  /** Language of the texts, a BCP 47 tag. Default: `en`. */
  language: string;
  /** Heading and title of the page with the button. */
  title: string;
  /** The sentence above the button. */
  question: string;
  button: string;
  /** Heading and title once it is done. */
  doneTitle: string;
  done: string;
  /** Heading and title of the answer to a link that is not ours, was changed, or has expired. */
  invalidTitle: string;
  invalid: string;
}

const ENGLISH: UnsubscribeTexts = {
  language: 'en',
  title: 'Unsubscribe',
  question: 'Do you want to stop receiving our e-mails?',
  button: 'Unsubscribe',
  doneTitle: 'You are unsubscribed',
  done: 'You will not receive our e-mails any more.',
  invalidTitle: 'This link does not work',
  invalid: 'Please open the link in the e-mail again, or answer the e-mail and ask us to unsubscribe you.',
};

const STYLE =
  'body{font:1.125rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem}' +
  'button{font:inherit;padding:.5rem 1.5rem;cursor:pointer}';

/** Pages that do not name the recipient, so that a reader of a forwarded message learns nothing. */
export class UnsubscribePage {
  readonly #texts: UnsubscribeTexts;

  /** @throws MailingUnsubscribeOptionsError for a text that is unknown or no text. */
  constructor(texts: Partial<UnsubscribeTexts> = {}) {
    for (const [name, text] of Object.entries(texts)) {
      const expected =
        name in ENGLISH ? 'a text' : `absent, the texts are ${Object.keys(ENGLISH).join(', ')}`;
      if (typeof text === 'string' && name in ENGLISH) continue;
      throw new MailingUnsubscribeOptionsError(`texts.${name}`, expected, kindOf(text));
    }
    this.#texts = { ...ENGLISH, ...texts };
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
