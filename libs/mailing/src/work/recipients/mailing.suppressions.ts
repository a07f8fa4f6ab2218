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

/** Of what can be an address, with a name before it; and of a reason, which the plugin's table cuts to 255. */
const MAX_ADDRESS_LENGTH = 2_000;
const MAX_REASON_LENGTH = 10_000;

/**
 * The suppression list in use, whichever it is: the plugin's table, or the host's own. Inject it where people unsubscribe or
 * complaints come in; it counts from the next commit of every mailing on, on other servers within a second.
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

  /** @param timeoutMs how long the list may take for each answer. */
  constructor(
    private list: SuppressionList | null,
    private readonly timeoutMs = HOST_CALL_TIMEOUT_MS,
    private readonly context = new ModuleContext(),
  ) {}

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

  /**
   * @throws SuppressionListMissingError; InvalidArgumentError if one of them is no text; HostSilentError or HostAnswerError if the list of
   * the host gives no answer, or another one.
   */
  async findSuppressed(addresses: string[]): Promise<Set<string>> {
    const call = 'SuppressionList.findSuppressed';
    const list = this.#orThrow();
    // The check and the change of context take turns. They are part of the call, so that this deadline begins before the one of the whole question,
    // and the error names the function.
    const ask = async (): Promise<Set<string>> =>
      list.findSuppressed(await checkedTexts('findSuppressed: addresses', addresses, MAX_ADDRESS_LENGTH));
    const found = await askHost(this.#terms(call), () => this.context.begin(ask));
    assertAnswer(call, 'a Set of addresses', Set, found);
    return found;
  }

  /**
   * @throws SuppressionAddressError if it is not exactly one address; InvalidArgumentError if it, or the reason, is no text;
   * SuppressionListMissingError; HostSilentError.
   */
  async suppress(address: string, reason: string): Promise<void> {
    checkText('suppress: address', address, MAX_ADDRESS_LENGTH);
    checkText('suppress: reason', reason, MAX_REASON_LENGTH);
    await this.#change('SuppressionList.suppress', (list) => list.suppress(tidyAddress(address), reason));
  }

  /** @throws SuppressionListMissingError; InvalidArgumentError if it is no text; HostSilentError. */
  async release(address: string): Promise<void> {
    checkText('release: address', address, MAX_ADDRESS_LENGTH);
    await this.#change('SuppressionList.release', (list) => list.release(tidyAddress(address)));
  }

  /** Whoever asked before it was done, or while it was, asks again. */
  async #change(call: string, change: (list: SuppressionList) => Promise<void>): Promise<void> {
    try {
      const list = this.#orThrow();
      // Done means done for every mailing: not once a transaction that the caller has open is committed.
      await askHost(this.#terms(call), () => this.context.begin(() => change(list)));
    } finally {
      this.#revision++;
    }
  }

  #terms(call: string): HostCallTerms {
    return { call, timeoutMs: this.timeoutMs };
  }

  #orThrow(): SuppressionList {
    if (!this.list) throw new SuppressionListMissingError();
    return this.list;
  }
}

/** As the list is asked for it later; what is no address is left to the list to refuse. */
function tidyAddress(address: string): string {
  return parseRecipient(address)?.address ?? address;
}
