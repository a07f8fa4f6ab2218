import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { Wait } from '../pacing/wait.js';

interface Outage extends Wait {
  /** Infinity while the renderer is being asked. */
  lastAt: number;
}

const WHAT = 'its templates';

/**
 * Mailings whose templates this process can't open at the moment, because the renderer is unreachable. Each is tried again with every sweep, until
 * the outage has lasted too long.
 */
export class OpeningOutages {
  readonly #outages = new Map<string, Outage>();

  /**
   * @param outageTimeoutMs how long a renderer may be unreachable.
   * @param quietMs a mailing that was not tried for so long is not reported: another process may have it. It is forgotten after `outageTimeoutMs`
   * more, because each of many waiting mailings may be tried late.
   * @param events a command ends an outage: a later failure starts a new one.
   */
  constructor(
    private readonly outageTimeoutMs: number,
    private readonly quietMs: number,
    events: MailingEvents,
  ) {
    events.on('mailing:command', ({ mailingId }) => this.over(mailingId));
  }

  /** The renderer is being asked; until it answers, that counts as an outage. */
  begun(mailingId: string): void {
    const now = performance.now();
    this.#forget(now);
    const { what, since } = this.#outages.get(mailingId) ?? { what: WHAT, since: now };
    this.#outages.set(mailingId, { what, since, lastAt: Infinity });
  }

  /** @returns whether the outage has lasted longer than `outageTimeoutMs`. */
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

  /** Outages that have lasted longer than `ms`. */
  lasting(ms: number): { mailingId: string; wait: Wait }[] {
    const now = performance.now();
    this.#forget(now);
    return [...this.#outages]
      .filter(([, { since, lastAt }]) => now - since > ms && now - lastAt <= this.quietMs)
      .map(([mailingId, wait]) => ({ mailingId, wait }));
  }

  /** Forgets outages that ended on another server, or long ago. */
  #forget(now: number): void {
    for (const [mailingId, { lastAt }] of this.#outages) {
      if (now - lastAt > this.quietMs + this.outageTimeoutMs) this.#outages.delete(mailingId);
    }
  }
}
