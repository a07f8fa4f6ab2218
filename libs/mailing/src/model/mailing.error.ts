import { kindOf } from './value-kind.js';

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

/** Shows a simple value inside an error message, cut to a length that fits a log line; of anything else its kind. */
export function shown(value: unknown): string {
  if (typeof value === 'string' && value.length <= LONGEST_SHOWN_VALUE) return JSON.stringify(value);
  if (typeof value === 'string') return `${JSON.stringify(value.slice(0, LONGEST_SHOWN_VALUE))}…`;
  return typeof value === 'number' || typeof value === 'undefined' ? String(value) : kindOf(value);
}
