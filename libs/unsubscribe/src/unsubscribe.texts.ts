import { custom, type OptionSchema } from '../../mailing/src/parts.js';

/** The words of the page, as text; html is escaped. */
export interface UnsubscribeTexts {
  /** Language of the texts, a BCP 47 tag. Default: `en`. */
  language: string;
  /** Heading and title of the page with the button. Default: `Unsubscribe`. */
  title: string;
  /** The sentence above the button. Default: `Do you want to stop receiving our e-mails?`. */
  question: string;
  /** The word on the button. Default: `Unsubscribe`. */
  button: string;
  /** Heading and title of the page that says that it is done. Default: `You are unsubscribed`. */
  doneTitle: string;
  /** The sentence below that heading. Default: `You will not receive our e-mails any more.`. */
  done: string;
  /**
   * Heading and title of the answer to a link that is not ours, was changed, or has expired. Default: `This link does not work`.
   */
  invalidTitle: string;
  /**
   * The sentence below that heading. Default: `Please open the link in the e-mail again, or answer the e-mail and ask us to unsubscribe you.`.
   */
  invalid: string;
}

const words = (english: string) =>
  custom('text', `\`${english}\``, (at, given) => {
    const value = given ?? english;
    if (typeof value !== 'string') throw at.wrong('a text', value);
    return value;
  });

/** The option `texts`. */
export const UNSUBSCRIBE_TEXTS = {
  language: words('en'),
  title: words('Unsubscribe'),
  question: words('Do you want to stop receiving our e-mails?'),
  button: words('Unsubscribe'),
  doneTitle: words('You are unsubscribed'),
  done: words('You will not receive our e-mails any more.'),
  invalidTitle: words('This link does not work'),
  invalid: words(
    'Please open the link in the e-mail again, or answer the e-mail and ask us to unsubscribe you.',
  ),
} satisfies OptionSchema<UnsubscribeTexts>;
