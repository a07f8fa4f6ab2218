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

/** What stands beside an address in the suppression list. */
const REASON = 'unsubscribed';

/** Where it is written down that somebody wants no mail, and who is told. */
export interface UnsubscriberParts {
  tokens: UnsubscribeTokens;
  /** Asked at each click: those of the mailings are found when the application is. */
  profiles: () => ProfileRepository | null;
  suppressions: () => SuppressionList | null;
  /** Null where the application does not send mailings itself. */
  events: MailingEvents | null;
}

/**
 * Takes the word of a token and writes it down; twice is harmless. It is written in the asynchronous context of the application's start: in
 * that of a request it would be part of a transaction that the host has open there, and not be done when the reader is told so.
 */
export class Unsubscriber {
  #parts: UnsubscriberParts | null = null;
  readonly #context = new ModuleContext();

  /** Known once everything is put together, because the host's classes may live anywhere. */
  use(parts: UnsubscriberParts): void {
    this.#parts = parts;
  }

  /** @returns whether this is a token of ours; changes nothing. */
  knows(token: unknown): boolean {
    return this.#ready.tokens.verify(token) !== null;
  }

  /**
   * Unsubscribes the recipient that the token names.
   *
   * @returns false if it is not a token of ours, was changed, or has expired; nothing is written then.
   * @throws UnsubscribeStoreMissingError, HostSilentError after 30 s, or whatever the host's repository throws; it is done once the call
   * returns true, not before.
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

  /** The reader waits for the page, so there is an end to it. */
  #asked(call: string, write: () => Promise<void> | undefined): Promise<void> {
    const terms = { call, timeoutMs: HOST_CALL_TIMEOUT_MS };
    return this.#context.begin(() => askHost<void>(terms, () => write()));
  }

  /** Whether there is a place for anybody. */
  get hasPlace(): boolean {
    const { profiles, suppressions } = this.#ready;
    return profiles()?.setReceiveEmail !== undefined || suppressions() !== null;
  }

  get #ready(): UnsubscriberParts {
    if (!this.#parts) throw new Error('The application has not been initialized yet.');
    return this.#parts;
  }
}
