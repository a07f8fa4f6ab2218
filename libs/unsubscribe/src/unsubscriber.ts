import { Inject, Injectable } from '@nestjs/common';
import {
  askHost,
  HOST_CALL_TIMEOUT_MS,
  ModuleContext,
  type UnsubscribeTarget,
} from '../../mailing/src/index.js';
import { UnsubscribeStoreMissingError } from './mailing-unsubscribe.errors.js';
import { UnsubscribeStores } from './unsubscribe.stores.js';

/** The reason that is stored with an address in the suppression list. */
const REASON = 'unsubscribed';

/**
 * Stores what a token asks for; a repetition is harmless. It writes in the asynchronous context of the application's start. In the context
 * of a request, the write would be part of a transaction that the host has open there, and might not be committed when the reader is told
 * that it is done.
 */
@Injectable()
export class Unsubscriber {
  readonly #context = new ModuleContext();

  constructor(@Inject(UnsubscribeStores) private readonly stores: UnsubscribeStores) {}

  /** @returns whether this is a token of ours. Changes nothing. */
  knows(token: unknown): boolean {
    return this.stores.parts.tokens.verify(token) !== null;
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
    const { tokens, events } = this.stores.parts;
    const target = tokens.verify(token);
    if (!target) return false;
    const kind = await this.#write(target);
    const { mailingId, idx, userId = null } = target;
    events?.emit('recipient:unsubscribed', { mailingId, idx, kind, userId });
    return true;
  }

  async #write({ userId, email }: UnsubscribeTarget): Promise<'profile' | 'address'> {
    if (userId !== undefined) {
      const profiles = this.stores.parts.profiles();
      if (!profiles?.setReceiveEmail) throw new UnsubscribeStoreMissingError('profileRepository');
      await this.#asked('ProfileRepository.setReceiveEmail', () =>
        profiles.setReceiveEmail?.([userId], false),
      );
      return 'profile';
    }
    const suppressions = this.stores.parts.suppressions();
    if (!suppressions) throw new UnsubscribeStoreMissingError('suppressionList');
    await this.#asked('SuppressionList.suppress', () => suppressions.suppress(email ?? '', REASON));
    return 'address';
  }

  /** With a deadline, because the reader waits for the page. */
  #asked(call: string, write: () => Promise<void> | undefined): Promise<void> {
    const terms = { call, timeoutMs: HOST_CALL_TIMEOUT_MS, option: null };
    return this.#context.begin(() => askHost<void>(terms, () => write()));
  }
}
