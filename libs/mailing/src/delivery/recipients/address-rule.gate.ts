import type { Candidate, RecipientGate } from './recipient.gate.js';
import type { Skip } from './recipient.policy.js';

/** Skips addresses that break a rule which the address alone decides. */
export class AddressRuleGate implements RecipientGate {
  constructor(
    readonly question: string,
    private readonly isBroken: (address: string) => boolean,
    private readonly skip: Skip,
  ) {}

  async bar(candidates: Candidate[]): Promise<Map<number, Skip>> {
    const barred = candidates.filter(({ address }) => this.isBroken(address));
    return new Map(barred.map(({ idx }) => [idx, this.skip]));
  }
}
