import { checkText, checkTexts } from '../model/argument.check.js';
import type { SuppressionList } from '../model/suppression-list.js';
import { SuppressionListMissingError } from '../model/suppression.errors.js';

/** Of what can be an address, with a name before it; and of a reason, which the plugin's table cuts to 255. */
const MAX_ADDRESS_LENGTH = 2_000;
const MAX_REASON_LENGTH = 10_000;

/**
 * The suppression list in use, whichever it is: the plugin's table, or the host's own. Inject it where people unsubscribe or
 * complaints come in; it counts from the next beat of every mailing on, on other servers within a second.
 *
 * @example
 * ```ts
 * constructor(private readonly suppressions: MailingSuppressions) {}
 *
 * async onComplaint(address: string): Promise<void> {
 *   await this.suppressions.suppress(address, 'complaint');
 * }
 * ```
 */
export class MailingSuppressions implements SuppressionList {
  #revision = 0;

  constructor(private list: SuppressionList | null) {}

  /** Another number after each change that was made here. For the plugin itself. */
  get revision(): number {
    return this.#revision;
  }

  /** Null: none is in use. For the plugin itself. */
  get inUse(): SuppressionList | null {
    return this.list;
  }

  /** The list of the host, once it can be found. For the plugin itself. */
  use(list: SuppressionList): void {
    this.list = list;
  }

  /** @throws SuppressionListMissingError; InvalidArgumentError if one of them is no text. */
  async findSuppressed(addresses: string[]): Promise<Set<string>> {
    checkTexts('findSuppressed: addresses', addresses, MAX_ADDRESS_LENGTH);
    return this.#orThrow().findSuppressed(addresses);
  }

  /**
   * @throws SuppressionAddressError if it is not exactly one address; InvalidArgumentError if it, or the reason, is no text;
   * SuppressionListMissingError.
   */
  async suppress(address: string, reason: string): Promise<void> {
    checkText('suppress: address', address, MAX_ADDRESS_LENGTH);
    checkText('suppress: reason', reason, MAX_REASON_LENGTH);
    await this.#change((list) => list.suppress(address, reason));
  }

  /** @throws SuppressionListMissingError; InvalidArgumentError if it is no text. */
  async release(address: string): Promise<void> {
    checkText('release: address', address, MAX_ADDRESS_LENGTH);
    await this.#change((list) => list.release(address));
  }

  /** Whoever asked before it was done, or while it was, asks again. */
  async #change(change: (list: SuppressionList) => Promise<void>): Promise<void> {
    try {
      await change(this.#orThrow());
    } finally {
      this.#revision++;
    }
  }

  #orThrow(): SuppressionList {
    if (!this.list) throw new SuppressionListMissingError();
    return this.list;
  }
}
