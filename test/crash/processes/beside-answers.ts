import type { EmailAddress, MailBatch, Mailing } from 'nestjs-mailing';

/**
 * Rows without what a process that returns may change: the outcome of recipients in doubt of which it knows more, and the counters.
 *
 * @param isKnown addresses of these recipients.
 */
export function besideAnswers(
  rows: readonly (Mailing | MailBatch | EmailAddress)[],
  isKnown: ReadonlySet<string> = new Set(),
): object[] {
  return rows.map((row) => {
    if ('numSent' in row) {
      const { numSent: _sent, numErrors: _errors, ...rest } = row;
      return rest;
    }
    return isKnown.has(row.emailAddress) ? { emailAddress: row.emailAddress } : row;
  });
}
