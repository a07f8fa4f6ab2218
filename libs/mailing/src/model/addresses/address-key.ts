import { type KeyOf, mailboxKey } from './email-address.js';
import { takeFromHost } from '../host-calls/host-call.js';
import { MailingError } from '../errors/mailing.error.js';
import { kindOf } from '../values/value-kind.js';

/** Says which addresses are one mailbox, by turning them into the same text. It answers at once, not with a promise. */
export type AddressNormalizer = (address: string) => string;

/** Why a recipient is skipped if its key can't be made. The text quotes nothing of the host's error, which may hold the address. */
export const UNUSABLE_ADDRESS = {
  skip: 'address_normalizer',
  text: 'The option addresses.normalizer gave no text for this address: it threw, returned something else, or returned a promise.',
} as const;

/** The host's normalizer did not answer with a text. The error names no address, because it is reported where addresses must not be shown. */
export class AddressNormalizerError extends MailingError {
  readonly code = 'MAILING_ADDRESS_NORMALIZER';

  constructor(
    /** Kind of the answer, in words. */
    readonly got: string,
    options?: ErrorOptions,
  ) {
    super(
      `addresses.normalizer: expected a text that is not empty, at once, got ${got}. ` +
        'Return the address itself where there is nothing to change.',
      options,
    );
  }
}

/**
 * Makes the function that turns an address into its key. The answer of the normalizer goes through `mailboxKey`, so the key is the same for
 * every letter case and for composed or decomposed letters; the domain has to be in ASCII.
 *
 * @throws AddressNormalizerError, from the function that it returns, if the normalizer throws or answers with something else than a text.
 */
export function keyBy(normalizer: AddressNormalizer | null): KeyOf {
  if (!normalizer) return mailboxKey;
  return (address) => {
    const normalized = normalizedBy(normalizer, address);
    if (typeof normalized !== 'string' || normalized === '') {
      throw new AddressNormalizerError(kindOf(normalized));
    }
    return mailboxKey(normalized);
  };
}

function normalizedBy(normalizer: AddressNormalizer, address: string): unknown {
  // A promise is refused: a key is made for each recipient of a list, and waiting for each would make lists of millions slow.
  const refuse = (): AddressNormalizerError => new AddressNormalizerError('a promise');
  try {
    return takeFromHost<unknown>(() => normalizer(address), refuse);
  } catch (error) {
    if (error instanceof AddressNormalizerError) throw error;
    // Its message may hold the address, so it is kept in `cause` only.
    throw new AddressNormalizerError('an error', { cause: error });
  }
}
