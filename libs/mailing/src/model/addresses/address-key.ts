import { type KeyOf, mailboxKey } from './email-address.js';
import { takeFromHost } from '../host-calls/host-call.js';
import { MailingError } from '../errors/mailing.error.js';
import { kindOf } from '../values/value-kind.js';

/** Says which addresses are one mailbox: those it turns into the same text, at once and not by a promise. */
export type AddressNormalizer = (address: string) => string;

/** Why a recipient is skipped whose key can't be made. It has no words of the host's error, which may hold the address. */
export const UNUSABLE_ADDRESS = {
  skip: 'address_normalizer',
  text: 'The option addresses.normalizer gave no text for this address: it threw, returned something else, or returned a promise.',
} as const;

/** The host's normalizer did not answer with a text. It names no address, because it is reported where addresses may not be seen. */
export class AddressNormalizerError extends MailingError {
  readonly code = 'MAILING_ADDRESS_NORMALIZER';

  constructor(
    /** In words. */
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
 * Spelling does not matter whatever the normalizer does: its answer goes through `mailboxKey`.
 *
 * @throws AddressNormalizerError, from what it returns, where the normalizer throws or answers with something else than a text.
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
  // Keys are compared for each recipient of a list, and waiting for each would make lists of millions slow.
  const refuse = (): AddressNormalizerError => new AddressNormalizerError('a promise');
  try {
    return takeFromHost<unknown>(() => normalizer(address), refuse);
  } catch (error) {
    if (error instanceof AddressNormalizerError) throw error;
    // What it says may hold the address; it stands in the cause.
    throw new AddressNormalizerError('an error', { cause: error });
  }
}
