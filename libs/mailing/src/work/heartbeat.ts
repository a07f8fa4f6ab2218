import type { MailingEvents } from '../model/mailing-event.js';
import type { MailingSettings } from '../model/mailing-options.js';
import type { MailingRuns } from './mailing-runs.js';
import type { ServerMembership } from './server-membership.js';

/**
 * Keeps the lease of this process fresh, on a timer of its own that no run and no mail server can hold up.
 *
 * A failed heartbeat is only reported: the lease runs out by itself, and runs stop starting messages when it has.
 */
export class Heartbeat {
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;
  #last: Promise<void> = Promise.resolve();

  constructor(
    private readonly membership: ServerMembership,
    private readonly runs: MailingRuns,
    private readonly settings: MailingSettings,
    private readonly events: MailingEvents,
  ) {}

  /** @param whileMember called after each heartbeat that found us a member; not awaited. Starting twice is harmless. */
  start(whileMember: () => void): void {
    if (this.#timer || this.#stopped) return;
    const tick = (): void => {
      this.#last = this.#beat(whileMember).finally(() => this.#schedule(tick));
    };
    this.#timer = setTimeout(tick, 0);
  }

  /** Waits for a heartbeat under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#last;
  }

  #schedule(tick: () => void): void {
    // A server with nothing to do must not keep a process alive that has nothing else to do either.
    if (!this.#stopped) this.#timer = setTimeout(tick, this.settings.server.heartbeatMs).unref();
  }

  async #beat(whileMember: () => void): Promise<void> {
    try {
      const standing = await this.membership.beat();
      if (this.#stopped) return;
      if (standing === 'lost') this.runs.loseAll();
      if (standing === 'member') whileMember();
    } catch (error) {
      this.events.emit('server:trouble', {
        uniqServerId: this.settings.uniqServerId,
        step: 'heartbeat',
        error,
      });
    }
  }
}
