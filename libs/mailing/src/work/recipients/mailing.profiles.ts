import type { ProfileRepository } from '../../model/ports/profile.repository.js';
import type { HostProfiles } from './host.parts.js';

/**
 * The profile repository in use, which the option `profileRepository` names, wherever its class lives. For code that writes to the profiles that
 * mailings read.
 *
 * @example
 * ```ts
 * constructor(private readonly profiles: MailingProfiles) {}
 *
 * async welcomeBack(userId: string): Promise<void> {
 *   await this.profiles.inUse?.setReceiveEmail?.([userId], true);
 * }
 * ```
 */
export class MailingProfiles {
  constructor(private readonly host: HostProfiles) {}

  /** Null: the host gave none, or the application is not initialized yet. */
  get inUse(): ProfileRepository | null {
    return this.host.repository;
  }
}
