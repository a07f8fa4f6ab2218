import type { ProfileRepository } from '../../model/ports/profile.repository.js';

/**
 * The profile repository in use: that of the option `profileRepository`, wherever its class lives. For parts that write to the
 * same profiles as the mailings read.
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
  #repository: ProfileRepository | null = null;

  /** Null: the host gave none, or the application has not been initialized yet. */
  get inUse(): ProfileRepository | null {
    return this.#repository;
  }

  /** That of the host, once it can be found. For the plugin itself. */
  use(repository: ProfileRepository): void {
    this.#repository = repository;
  }
}
