import type { SuppressionList } from '../model/suppression-list.js';
import { SuppressionListMissingError } from '../model/suppression.errors.js';

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

  /** @throws SuppressionListMissingError */
  async findSuppressed(addresses: string[]): Promise<Set<string>> {
    return this.#orThrow().findSuppressed(addresses);
  }

  /** @throws SuppressionAddressError if it is not exactly one address, SuppressionListMissingError. */
  async suppress(address: string, reason: string): Promise<void> {
    await this.#change((list) => list.suppress(address, reason));
  }

  /** @throws SuppressionListMissingError */
  async release(address: string): Promise<void> {
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
