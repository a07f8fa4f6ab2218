import { keyOrSkip } from '../../delivery/recipients/address-normalizer.gate.js';
import type { Candidate, RecipientGate } from '../../delivery/recipients/recipient.gate.js';
import type { Skip } from '../../delivery/recipients/recipient.policy.js';
import type { KeyOf } from '../../model/addresses/email-address.js';
import type { Session } from '../../store/database/mailing.database.js';
import { type AddressHolder, claimAddresses } from '../../store/recipients/claim-addresses.js';

/**
 * Lets one profile of each address pass, in a mailing that any number of servers work on. Plain addresses are not asked about: the list has each only
 * once.
 *
 * Ask this gate last, because a recipient that passes holds the address for good. If that recipient ends with an error, or may not be mailed at its
 * next attempt, its duplicates stay skipped; a second copy would be worse.
 */
export class DuplicateGate implements RecipientGate {
  readonly question = 'duplicates';

  constructor(
    private readonly session: Session,
    private readonly mailingId: string,
    private readonly keyOf: KeyOf,
  ) {}

  async bar(candidates: Candidate[]): Promise<Map<number, Skip>> {
    const barred = new Map<number, Skip>();
    const wanted: { idx: number; key: string }[] = [];
    for (const { idx, address, userId } of candidates) {
      if (userId === undefined) continue;
      const key = keyOrSkip(this.keyOf, address);
      if (typeof key === 'string') wanted.push({ idx, key });
      else barred.set(idx, key);
    }
    if (wanted.length === 0) return barred;
    const holders = await claimAddresses(this.session, this.mailingId, wanted);
    for (const { idx, key } of wanted) {
      // Each key has a holder, or `claimAddresses` has thrown. A recipient whose idx is not the holder is a duplicate.
      const holder = holders.get(key) as AddressHolder;
      if (holder !== idx) barred.set(idx, duplicateOf(holder));
    }
    return barred;
  }
}

export function duplicateOf(holder: AddressHolder): Skip {
  const who = typeof holder === 'number' ? `the recipient with idx ${holder}` : `a ${holder} of the list`;
  return { skip: 'duplicate', text: `This address is that of ${who}, and each gets one copy.` };
}
