import { kindOf } from '../values/value-kind.js';

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

/**
 * Makes a property of an error non-enumerable: programs can read the value that was given, but whatever prints an error prints its
 * enumerable properties, and the value may be an address or hold a secret.
 */
export function keepUnprinted(error: Error, name = 'value'): void {
  Object.defineProperty(error, name, { enumerable: false });
}

const MAX_SHOWN_VALUE = 120;

/**
 * Shows a simple value of the info inside an error message, cut to fit a log line. For any other value, and for a text that may hold an
 * address or a login, it shows only the kind.
 */
export function inspectValue(value: unknown): string {
  if (typeof value === 'string' && /@|%40/.test(value)) return kindOf(value);
  if (typeof value === 'string' && value.length <= MAX_SHOWN_VALUE) return JSON.stringify(value);
  if (typeof value === 'string') return `${JSON.stringify(value.slice(0, MAX_SHOWN_VALUE))}…`;
  const isSimple = typeof value === 'number' || typeof value === 'boolean' || value === undefined;
  return isSimple ? String(value) : kindOf(value);
}
