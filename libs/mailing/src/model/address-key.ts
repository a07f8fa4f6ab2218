import { type KeyOf, mailboxKey } from './email-address.js';
import { MailingError } from './mailing.error.js';
import { kindOf } from './value-kind.js';

/** Says which addresses are one mailbox: those it turns into the same text. */
export type AddressNormalizer = (address: string) => string;

/** The host's normalizer did not answer with a text. */
export class AddressNormalizerError extends MailingError {
  readonly code = 'MAILING_ADDRESS_NORMALIZER';

  constructor(
    readonly address: string,
    readonly value: unknown,
  ) {
    super(
      `addresses.normalizer: expected a text that is not empty for each address, got ${kindOf(value)}. ` +
        'Return the address itself where there is nothing to change.',
    );
  }
}

/** Spelling does not matter whatever the normalizer does: its answer goes through `mailboxKey`. */
export function keyBy(normalizer: AddressNormalizer | null): KeyOf {
  if (!normalizer) return mailboxKey;
  return (address) => {
    const normalized: unknown = normalizer(address);
    if (typeof normalized !== 'string' || normalized === '') {
      throw new AddressNormalizerError(address, normalized);
    }
    return mailboxKey(normalized);
  };
}
