import type { EmailAddress, MailBatch, Mailing } from 'nestjs-mailing';

/**
 * Rows without what late answers to recipients in doubt may change: the counter and the outcome of such a recipient.
 *
 * @param isAnswered whether an address belongs to such a recipient.
 */
export function besideAnswers(
  rows: readonly (Mailing | MailBatch | EmailAddress)[],
  isAnswered: ReadonlySet<string> = new Set(),
): object[] {
  return rows.map((row) => {
    if ('numSent' in row) {
      const { numSent, numErrors, ...rest } = row;
      return { ...rest, numSentOrErrors: numSent + numErrors };
    }
    if (!isAnswered.has(row.emailAddress)) return row;
    const { status: _status, errorCode: _code, errorText: _text, changedAt: _at, ...rest } = row;
    return rest;
  });
}
