import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { Wait } from '../pacing/wait.js';

interface Outage extends Wait {
  /** Infinity while the renderer is being asked. */
  lastAt: number;
}

const WHAT = 'its templates';

/**
 * Mailings whose templates this process can't open at the moment, because the renderer is out of reach. Each is tried again with every look
 * for work, until patience is over.
 */
export class OpeningOutages {
  readonly #outages = new Map<string, Outage>();

  /**
   * @param patienceMs how long a renderer may be out of reach.
   * @param quietMs a mailing that was not tried for so long is not reported: it may not be this process's any more. It is forgotten after
   * `patienceMs` more, because where many wait each may come to its turn late.
   * @param events an order ends an outage: what comes after it is another one.
   */
  constructor(
    private readonly outageTimeoutMs: number,
    private readonly quietMs: number,
    events: MailingEvents,
  ) {
    events.on('mailing:command', ({ mailingId }) => this.over(mailingId));
  }

  /** The renderer is asked; until it answers, that counts as an outage. */
  begun(mailingId: string): void {
    const now = performance.now();
    this.#forget(now);
    const { what, since } = this.#outages.get(mailingId) ?? { what: WHAT, since: now };
    this.#outages.set(mailingId, { what, since, lastAt: Infinity });
  }

  /** @returns whether patience is over. */
  failed(mailingId: string, reason: string): boolean {
    const now = performance.now();
    this.#forget(now);
    const { since } = this.#outages.get(mailingId) ?? { since: now };
    this.#outages.set(mailingId, { what: `${WHAT}: ${reason}`, since, lastAt: now });
    return now - since > this.outageTimeoutMs;
  }

  over(mailingId: string): void {
    this.#outages.delete(mailingId);
  }

  /** Those that go on for so long. */
  lasting(ms: number): { mailingId: string; wait: Wait }[] {
    const now = performance.now();
    this.#forget(now);
    return [...this.#outages]
      .filter(([, { since, lastAt }]) => now - since > ms && now - lastAt <= this.quietMs)
      .map(([mailingId, wait]) => ({ mailingId, wait }));
  }

  /** What ended elsewhere, or long ago, is no outage of today. */
  #forget(now: number): void {
    for (const [mailingId, { lastAt }] of this.#outages) {
      if (now - lastAt > this.quietMs + this.outageTimeoutMs) this.#outages.delete(mailingId);
    }
  }
}
