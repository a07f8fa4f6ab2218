import type { SuppressionList } from '../../model/ports/suppression-list.js';
import type { Candidate, RecipientGate } from './recipient.gate.js';
import type { Skip } from './recipient.policy.js';

/** A suppression list that shows whether this process has changed it. */
export interface WatchedSuppressionList extends Pick<SuppressionList, 'findSuppressed'> {
  /** Changes with each change that this process makes. */
  readonly revision: number;
}

const SUPPRESSED: Skip = { skip: 'suppressed', text: 'This address is on the suppression list.' };

/** How long an answer about upcoming recipients is used. A message may be in flight for as long when its recipient unsubscribes. */
const GOOD_FOR_MS = 1_000;

/** What the list answered, and when it was asked. */
interface Answer {
  asked: ReadonlySet<string>;
  suppressed: ReadonlySet<string>;
  revision: number;
  at: number;
}

/**
 * Skips addresses that are on the suppression list just before their message is made.
 *
 * One query covers the recipients of this commit and upcoming ones, so several commits need one query. An answer is used for at most one second,
 * and not after a change by this process; a slow mailing asks in each commit.
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
