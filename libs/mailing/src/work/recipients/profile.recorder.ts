import type { ContactFatigue } from '../../delivery/recipients/recipient.policy.js';
import { askHost, type HostCallTerms } from '../../model/host-calls/host-call.js';
import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { Outcome } from '../../model/states/outcome.js';
import type { ProfileRepository } from '../../model/ports/profile.repository.js';
import { WriteBehindBuffer } from './write-behind.buffer.js';

/**
 * Updates the host's profiles: when they were mailed, and which addresses do not exist.
 *
 * Only committed outcomes are written. With the opposite order, a crash would leave profiles that count as mailed and were not; with this one, it may
 * lose the updates of its last second. Both kinds are written in groups over all mailings of this process, so they cost the host a statement a second
 * and not one per message. A failing host does not affect any mailing.
 */
export class ProfileRecorder {
  readonly #lastEmailed: WriteBehindBuffer;
  readonly #refused: WriteBehindBuffer;

  constructor(
    private readonly profiles: () => ProfileRepository | null,
    private readonly settings: Pick<MailingSettings, 'profiles' | 'run'>,
    events: MailingEvents,
  ) {
    const terms = (call: string): HostCallTerms => ({ call, timeoutMs: settings.run.hostCallTimeoutMs });
    this.#lastEmailed = writer('lastEmailed', events, (ids, at) =>
      askHost(terms('ProfileRepository.setLastEmailed'), () => profiles()?.setLastEmailed?.(ids, at)),
    );
    this.#refused = writer('emailStatus', events, (addresses) =>
      askHost(terms('ProfileRepository.setEmailStatus'), () =>
        profiles()?.setEmailStatus?.(addresses, 'invalid'),
      ),
    );
  }

  /** @param outcomes committed ones. Resolves at once, unless the host is too slow. */
  async note(outcomes: Outcome[]): Promise<void> {
    const repository = this.profiles();
    if (!repository) return;
    const sent = outcomes.flatMap(({ status, contact }) =>
      status === 'sent' && contact?.userId !== undefined ? [contact.userId] : [],
    );
    const unknown = outcomes.flatMap(({ contact }) => (contact?.isUnknown ? [contact.address] : []));
    if (repository.setLastEmailed) this.#lastEmailed.note(sent);
    if (repository.setEmailStatus && this.settings.profiles.invalidateRefused) this.#refused.note(unknown);
    await Promise.all([this.#lastEmailed.room(), this.#refused.room()]);
  }

  /** @param userIds profiles that turned out to have been mailed, already committed. Resolves as `note`. */
  async noteMailed(userIds: string[]): Promise<void> {
    if (!this.profiles()?.setLastEmailed) return;
    this.#lastEmailed.note(userIds);
    await this.#lastEmailed.room();
  }

  /** The facts for contact fatigue besides the profiles: updates that the host does not have yet. Null: contact fatigue is off. */
  get fatigue(): ContactFatigue | null {
    const { contactFatigueMs: windowMs } = this.settings.profiles;
    return windowMs === null
      ? null
      : { windowMs, knownLastEmailed: (userId) => this.#lastEmailed.notedAt(userId) };
  }

  /** Called when a run ends. Does not wait for a slow host. */
  async flush(): Promise<void> {
    await Promise.all([this.#lastEmailed.flush(), this.#refused.flush()]);
  }

  /** Called when the process ends, after its last run. */
  async close(timeoutMs: number): Promise<void> {
    await Promise.all([this.#lastEmailed.close(timeoutMs), this.#refused.close(timeoutMs)]);
  }
}

function writer(
  what: 'lastEmailed' | 'emailStatus',
  events: MailingEvents,
  write: (keys: string[], at: Date) => Promise<void> | undefined,
): WriteBehindBuffer {
  return new WriteBehindBuffer({
    write: async (keys, at) => write(keys, at),
    failed: (facts) => events.emit('profiles:error', { what, ...facts }),
    dropped: (count) => events.emit('profiles:dropped', { what, count }),
  });
}
