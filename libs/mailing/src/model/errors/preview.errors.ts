import { toPublicText } from '../values/public-text.js';
import { MailingError } from './mailing.error.js';

/** This recipient would not be mailed, so there is no message to show. */
export class RecipientSkippedError extends MailingError {
  readonly code = 'MAILING_RECIPIENT_SKIPPED';

  constructor(
    /** As in the column `error_code`. */
    readonly reason: string,
    text: string,
  ) {
    super(`This recipient would be skipped (${reason}): ${text} Choose another one.`);
  }
}

/** The mail server did not accept a proof. */
export class ProofNotSentError extends MailingError {
  readonly code = 'MAILING_PROOF_NOT_SENT';

  constructor(
    /** `unknown`: no answer came, and the message may have arrived. */
    readonly outcome: 'refused' | 'throttled' | 'not_begun' | 'unknown',
    text: string,
  ) {
    super(
      `sendProof: expected the mail server to accept the message, got ${outcome}: ${toPublicText(text)}. ` +
        'See whether the mail server is up and takes messages for this address, and send the proof again.',
    );
  }
}
