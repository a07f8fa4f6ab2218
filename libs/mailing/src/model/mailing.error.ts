/**
 * Base of every error this plugin throws on purpose.
 *
 * `code` is stable and made for programs; the message is made for people and ends with the next step.
 */
export abstract class MailingError extends Error {
  /** Stable, upper snake case, prefixed `MAILING_`. */
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

const LONGEST_SHOWN_VALUE = 120;

/** Shows a value inside an error message, cut to a length that fits a log line. */
export function shown(value: unknown): string {
  let text: string | undefined;
  try {
    // A text is cut before it is escaped: nothing more of it is shown.
    const cut = typeof value === 'string' ? value.slice(0, LONGEST_SHOWN_VALUE + 1) : value;
    text = typeof value === 'function' ? 'a function' : JSON.stringify(cut);
  } catch {
    text = Object.prototype.toString.call(value);
  }
  text ??= String(value);
  return text.length > LONGEST_SHOWN_VALUE ? `${text.slice(0, LONGEST_SHOWN_VALUE)}…` : text;
}
