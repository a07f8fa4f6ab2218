import { hasOddDots } from '../model/recipient-address.js';
import type { Candidate, RecipientGate } from './recipient.gate.js';
import type { Skip } from './recipient.policy.js';

const SKIP: Skip = {
  skip: 'non_standard_local_part',
  text:
    'The part before the @ begins or ends with a dot or has two in a row, which is standard in quotes only, and more often a typing error. ' +
    'If your recipients have such mailboxes, set addresses.nonStandardLocalParts to send.',
};

/**
 * Keeps addresses such as `try..this@home.example` from being mailed. Some providers, above all mobile ones in Japan, gave them out, and they are
 * real; anywhere else they are typing errors, and many refused recipients cost a sender its reputation. The host knows its list.
 */
export class NonStandardLocalPartGate implements RecipientGate {
  readonly question = 'non-standard local parts';

  async bar(candidates: Candidate[]): Promise<Map<number, Skip>> {
    return new Map(
      candidates.flatMap(({ idx, address }) => (hasOddDots(address) ? [[idx, SKIP] as const] : [])),
    );
  }
}
