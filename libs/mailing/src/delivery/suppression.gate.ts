import type { SuppressionList } from '../model/suppression-list.js';
import type { Candidate, RecipientGate } from './recipient.gate.js';
import type { Skip } from './recipient.policy.js';

const SUPPRESSED: Skip = { skip: 'suppressed', text: 'This address is on the suppression list.' };

/** Keeps addresses of the suppression list from being mailed, as the list is just before their message is made. */
export class SuppressionGate implements RecipientGate {
  readonly question = 'suppression list';

  constructor(private readonly list: SuppressionList) {}

  async bar(candidates: Candidate[]): Promise<Map<number, Skip>> {
    const suppressed = await this.list.findSuppressed(candidates.map((one) => one.address));
    return new Map(
      candidates.flatMap(({ idx, address }) => (suppressed.has(address) ? [[idx, SUPPRESSED] as const] : [])),
    );
  }
}
