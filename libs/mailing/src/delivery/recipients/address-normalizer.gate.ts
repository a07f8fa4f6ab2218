import { AddressNormalizerError, UNUSABLE_ADDRESS } from '../../model/addresses/address-key.js';
import type { KeyOf } from '../../model/addresses/email-address.js';
import type { Candidate, RecipientGate } from './recipient.gate.js';
import type { Skip } from './recipient.policy.js';

/**
 * Skips addresses for which the host's normalizer fails: without a key, neither the suppression list nor duplicates can be checked. Listed
 * addresses were checked when the list was written; addresses of profiles are known only now.
 */
export class AddressNormalizerGate implements RecipientGate {
  readonly question = 'address normalizer';

  constructor(private readonly keyOf: KeyOf) {}

  async bar(candidates: Candidate[]): Promise<Map<number, Skip>> {
    const keys = candidates.map(({ idx, address }) => ({ idx, key: keyOrSkip(this.keyOf, address) }));
    return new Map(keys.flatMap(({ idx, key }) => (typeof key === 'string' ? [] : [[idx, key] as const])));
  }
}

/** The key of an address, or why there is none. */
export function keyOrSkip(keyOf: KeyOf, address: string): string | Skip {
  try {
    return keyOf(address);
  } catch (error) {
    if (error instanceof AddressNormalizerError) return UNUSABLE_ADDRESS;
    throw error;
  }
}
