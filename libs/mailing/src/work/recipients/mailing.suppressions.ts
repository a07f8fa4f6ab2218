import { checkedTexts, checkText } from '../../model/errors/argument.check.js';
import { ModuleContext } from '../../model/host-calls/async-context.js';
import {
  askHost,
  assertAnswer,
  HOST_CALL_TIMEOUT_MS,
  type HostCallTerms,
} from '../../model/host-calls/host-call.js';
import { parseRecipient } from '../../model/addresses/recipient-address.js';
import type { SuppressionList } from '../../model/ports/suppression-list.js';
import { SuppressionListMissingError } from '../../model/ports/suppression.errors.js';
import type { ActiveSuppressions } from './host.parts.js';

/** Bound for an address with a name before it. The bound for a reason is larger than the 255 characters that the plugin's table keeps. */
const MAX_ADDRESS_LENGTH = 2_000;
const MAX_REASON_LENGTH = 10_000;

/**
 * The suppression list in use: the plugin's table, or the host's own. Inject it where unsubscribes or complaints arrive. A change counts from the
 * next commit of every mailing on, and on other servers within a second.
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
  /** @param timeoutMs how long the list may take for each answer. */
  constructor(
    private readonly active: ActiveSuppressions,
    private readonly timeoutMs = HOST_CALL_TIMEOUT_MS,
    private readonly context = new ModuleContext(),
  ) {}

  /** Null: no list is in use, or the application is not initialized yet. */
  get inUse(): SuppressionList | null {
    return this.active.list;
  }

  /**
   * @throws SuppressionListMissingError; InvalidArgumentError if an address is not a text; HostSilentError or HostAnswerError if the list of the host
   * gives no answer, or an invalid one.
   */
  async findSuppressed(addresses: string[]): Promise<Set<string>> {
    const call = 'SuppressionList.findSuppressed';
    const list = this.#orThrow();
    // The check of the texts and the change of context take several turns of the event loop. They are part of the call, so this deadline begins
    // before that of the whole question, and the error names the function.
    const ask = async (): Promise<Set<string>> =>
      list.findSuppressed(await checkedTexts('findSuppressed: addresses', addresses, MAX_ADDRESS_LENGTH));
    const found = await askHost(this.#terms(call), () => this.context.begin(ask));
    assertAnswer(call, 'a Set of addresses', Set, found);
    return found;
  }

  /**
   * @throws SuppressionAddressError if it is not exactly one address; InvalidArgumentError if the address or the reason is not a text;
   * SuppressionListMissingError; HostSilentError.
   */
  async suppress(address: string, reason: string): Promise<void> {
    checkText('suppress: address', address, MAX_ADDRESS_LENGTH);
    checkText('suppress: reason', reason, MAX_REASON_LENGTH);
    await this.#change('SuppressionList.suppress', (list) => list.suppress(tidyAddress(address), reason));
  }

  /** @throws SuppressionListMissingError; InvalidArgumentError if the address is not a text; HostSilentError. */
  async release(address: string): Promise<void> {
    checkText('release: address', address, MAX_ADDRESS_LENGTH);
    await this.#change('SuppressionList.release', (list) => list.release(tidyAddress(address)));
  }

  /** The new revision makes callers ask again if they asked before the change was done, or during it. */
  async #change(call: string, change: (list: SuppressionList) => Promise<void>): Promise<void> {
    try {
      const list = this.#orThrow();
      // The change takes effect for every mailing at once, outside any transaction that the caller has open.
      await askHost(this.#terms(call), () => this.context.begin(() => change(list)));
    } finally {
      this.active.revision++;
    }
  }

  #terms(call: string): HostCallTerms {
    return { call, timeoutMs: this.timeoutMs };
  }

  #orThrow(): SuppressionList {
    const { list } = this.active;
    if (!list) throw new SuppressionListMissingError();
    return list;
  }
}

/** Normalizes an address as later queries have it. The list itself refuses what is not an address. */
function tidyAddress(address: string): string {
  return parseRecipient(address)?.address ?? address;
}
