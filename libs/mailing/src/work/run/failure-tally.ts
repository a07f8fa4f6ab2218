import { toPublicText } from '../../model/values/public-text.js';

interface Reason {
  count: number;
  text: string;
}

/** A bound for memory: a mail server may invent a code for each message. */
const MAX_REASONS = 100;

/** Counts attempts and the reasons of the failed ones, starting with the first failure. */
export class FailureTally {
  readonly #reasons = new Map<string, Reason>();
  #numAttempts = 0;

  succeeded(): void {
    this.#numAttempts++;
  }

  failed(code: string, text: string): void {
    this.#numAttempts++;
    const known = this.#reasons.get(code);
    if (known) known.count++;
    else if (this.#reasons.size < MAX_REASONS) this.#reasons.set(code, { count: 1, text });
  }

  /** Names the most frequent reason, in public text. */
  verdict(): string {
    let [worst] = this.#reasons;
    for (const one of this.#reasons) if (one[1].count > worst[1].count) worst = one;
    const [code, { count, text }] = worst;
    return `${count} of the last ${this.#numAttempts} attempts failed with ${toPublicText(`${code}: ${text}`)}`;
  }
}
