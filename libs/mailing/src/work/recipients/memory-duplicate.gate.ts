import { keyOrSkip } from '../../delivery/recipients/address-normalizer.gate.js';
import type { Candidate, RecipientGate } from '../../delivery/recipients/recipient.gate.js';
import type { Skip } from '../../delivery/recipients/recipient.policy.js';
import type { KeyOf } from '../../model/addresses/email-address.js';
import { duplicateOf } from './duplicate.gate.js';

/**
 * The duplicate gate of a mailing that is not persisted, which one process sends while it reads the list: the first recipient with an address is
 * mailed, profile or plain address. It keeps the keys of all recipients so far: about 100 bytes each here, and as much in `MemoryLedger`.
 */
export class MemoryDuplicateGate implements RecipientGate {
  readonly question = 'duplicates';
  readonly #holders = new Map<string, number>();

  constructor(private readonly keyOf: KeyOf) {}

  async bar(candidates: Candidate[]): Promise<Map<number, Skip>> {
    const barred = new Map<number, Skip>();
    for (const { idx, address } of candidates) {
      const key = keyOrSkip(this.keyOf, address);
      if (typeof key !== 'string') {
        barred.set(idx, key);
        continue;
      }
      const holder = this.#holders.get(key) ?? idx;
      this.#holders.set(key, holder);
      if (holder !== idx) barred.set(idx, duplicateOf(holder));
    }
    return barred;
  }
}
