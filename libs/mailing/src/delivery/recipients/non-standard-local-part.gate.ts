import { hasOddDots } from '../../model/addresses/recipient-address.js';
import { AddressRuleGate } from './address-rule.gate.js';
import type { Skip } from './recipient.policy.js';

const SKIP: Skip = {
  skip: 'non_standard_local_part',
  text:
    'The part before the @ begins or ends with a dot or has two in a row, which is standard in quotes only, and more often a typing error. ' +
    'If your recipients have such mailboxes, set addresses.nonStandardLocalParts to send.',
};

/**
 * Skips addresses such as `try..this@home.example`. Some providers, above all mobile ones in Japan, issued them, and they are real; anywhere else
 * they are typing errors, and many refused recipients cost a sender its reputation. The host decides, because it knows its list.
 */
export const nonStandardLocalPartGate = new AddressRuleGate('non-standard local parts', hasOddDots, SKIP);
