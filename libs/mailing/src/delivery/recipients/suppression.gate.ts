import type { SuppressionList } from '../../model/ports/suppression-list.js';
import type { Candidate, RecipientGate } from './recipient.gate.js';
import type { Skip } from './recipient.policy.js';

/** A list that tells whether this process has changed it. */
export interface WatchedSuppressionList extends Pick<SuppressionList, 'findSuppressed'> {
  /** Another number after each change that this process has made. */
  readonly revision: number;
}

const SUPPRESSED: Skip = { skip: 'suppressed', text: 'This address is on the suppression list.' };

/** How long an answer about those who come next is good. Their message may be under way as long when somebody unsubscribes. */
const GOOD_FOR_MS = 1_000;

/** What the list said, and when it was asked. */
interface Answer {
  asked: ReadonlySet<string>;
  suppressed: ReadonlySet<string>;
  revision: number;
  at: number;
}

/**
 * Keeps addresses of the suppression list from being mailed, as the list is just before their message is made.
 *
 * It asks about those who come next along with those whose turn it is, so that several commits need one question. An answer is
 * used for a second at most, and not at all after a change by this process; a slow mailing asks in each commit.
 */
export class SuppressionGate implements RecipientGate {
  readonly question = 'suppression list';
  #answer: Answer | null = null;

  constructor(private readonly list: WatchedSuppressionList) {}

  async bar(candidates: Candidate[], upcoming: () => string[] = () => []): Promise<Map<number, Skip>> {
    const answer = this.#known(candidates) ?? (await this.#ask(candidates, upcoming()));
    return new Map(
      candidates.flatMap(({ idx, address }) =>
        answer.suppressed.has(address) ? [[idx, SUPPRESSED] as const] : [],
      ),
    );
  }

  #known(candidates: Candidate[]): Answer | null {
    const answer = this.#answer;
    if (answer?.revision !== this.list.revision || performance.now() - answer.at >= GOOD_FOR_MS) return null;
    return candidates.every(({ address }) => answer.asked.has(address)) ? answer : null;
  }

  async #ask(candidates: Candidate[], upcoming: string[]): Promise<Answer> {
    const asked = new Set([...candidates.map(({ address }) => address), ...upcoming]);
    const facts = { asked, revision: this.list.revision, at: performance.now() };
    const suppressed = await this.list.findSuppressed([...asked]);
    return (this.#answer = { ...facts, suppressed });
  }
}
