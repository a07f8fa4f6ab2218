import {
  askHost,
  HOST_CALL_TIMEOUT_MS,
  type MailingEvents,
  ModuleContext,
  type ProfileRepository,
  type SuppressionList,
  type UnsubscribeTarget,
  type UnsubscribeTokens,
} from '../../mailing/src/index.js';
import { UnsubscribeStoreMissingError } from './mailing-unsubscribe.errors.js';

/** The reason that is stored with an address in the suppression list. */
const REASON = 'unsubscribed';

/** Where unsubscriptions are stored, and where they are reported. */
export interface UnsubscriberParts {
  tokens: UnsubscribeTokens;
  /** Called at each click, because the stores of the mailings are known only after the application was initialized. */
  profiles: () => ProfileRepository | null;
  suppressions: () => SuppressionList | null;
  /** Null if the application does not send mailings itself. */
  events: MailingEvents | null;
}

/**
 * Stores what a token asks for; a repetition is harmless. It writes in the asynchronous context of the application's start. In the context
 * of a request, the write would be part of a transaction that the host has open there, and might not be committed when the reader is told
 * that it is done.
 */
export class Unsubscriber {
  #parts: UnsubscriberParts | null = null;
  readonly #context = new ModuleContext();

  /** Called after all modules were put together, because the host's classes may be in any of them. */
  use(parts: UnsubscriberParts): void {
    this.#parts = parts;
  }

  /** @returns whether this is a token of ours. Changes nothing. */
  knows(token: unknown): boolean {
    return this.#ready.tokens.verify(token) !== null;
  }

  /**
   * Unsubscribes the recipient that the token names.
   *
   * @returns true once it is stored, not before; false if the token is not ours, was changed, or has expired. Nothing is written then.
   * @throws UnsubscribeStoreMissingError if the host gave no store for this recipient; HostSilentError after 30 s; whatever the host's
   * repository throws.
   *
   * @example
   * ```ts
   * const isDone = await unsubscriber.unsubscribe(token);
   * ```
   */
  async unsubscribe(token: unknown): Promise<boolean> {
    const { tokens, events } = this.#ready;
    const target = tokens.verify(token);
    if (!target) return false;
    const kind = await this.#write(target);
    const { mailingId, idx, userId = null } = target;
    events?.emit('recipient:unsubscribed', { mailingId, idx, kind, userId });
    return true;
  }

  async #write({ userId, email }: UnsubscribeTarget): Promise<'profile' | 'address'> {
    if (userId !== undefined) {
      const profiles = this.#ready.profiles();
      if (!profiles?.setReceiveEmail) throw new UnsubscribeStoreMissingError('profileRepository');
      await this.#asked('ProfileRepository.setReceiveEmail', () =>
        profiles.setReceiveEmail?.([userId], false),
      );
      return 'profile';
    }
    const suppressions = this.#ready.suppressions();
    if (!suppressions) throw new UnsubscribeStoreMissingError('suppressionList');
    await this.#asked('SuppressionList.suppress', () => suppressions.suppress(email ?? '', REASON));
    return 'address';
  }

  /** With a deadline, because the reader waits for the page. */
  #asked(call: string, write: () => Promise<void> | undefined): Promise<void> {
    const terms = { call, timeoutMs: HOST_CALL_TIMEOUT_MS, option: null };
    return this.#context.begin(() => askHost<void>(terms, () => write()));
  }

  /** Whether there is a store for at least one kind of recipient. */
  get hasStore(): boolean {
    const { profiles, suppressions } = this.#ready;
    return profiles()?.setReceiveEmail !== undefined || suppressions() !== null;
  }

  get #ready(): UnsubscriberParts {
    if (!this.#parts) throw new Error('The application has not been initialized yet.');
    return this.#parts;
  }
}
