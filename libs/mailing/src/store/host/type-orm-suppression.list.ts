import { AddressNormalizerError } from '../../model/addresses/address-key.js';
import { cutText, toOneLine } from '../../model/values/bounded-text.js';
import { DroppedRowError } from '../../model/errors/dropped-row.error.js';
import { type KeyOf } from '../../model/addresses/email-address.js';
import { parseRecipient } from '../../model/addresses/recipient-address.js';
import { MAX_SUPPRESSION_REASON } from '../../model/tables/mail-suppression.entity.js';
import { SuppressionAddressError } from '../../model/ports/suppression.errors.js';
import type { SuppressionList } from '../../model/ports/suppression-list.js';
import { Turns } from '../../model/values/turns.js';
import type { Session } from '../database/mailing.database.js';
import { deleteSuppression } from './delete-suppression.js';
import { findSuppressedKeys } from './find-suppressed-keys.js';
import { insertSuppression } from './insert-suppression.js';

/**
 * The default suppression list: a table next to those of the mailings. An address is found by its key, so letter case and the spelling of the domain
 * do not matter. Each method is one statement: `findSuppressed` runs one per 1,000 addresses, and `suppress` one more for an address that is on the
 * list already. The first reason of an address stays.
 *
 * @example
 * ```ts
 * declare const list: TypeOrmSuppressionList;
 * await list.suppress('ann@home.example', 'complaint');
 * const suppressed = await list.findSuppressed(['Ann@home.example', 'bob@home.example']); // has 'Ann@home.example'
 * ```
 */
export class TypeOrmSuppressionList implements SuppressionList {
  constructor(
    private readonly session: Session,
    private readonly keyOf: KeyOf,
  ) {}

  /**
   * @param addresses in any spelling. An address that the option `addresses.normalizer` can't read counts as suppressed.
   * @returns those of them that are on the list, spelled as they were given.
   * @throws errors of the database.
   */
  async findSuppressed(addresses: string[]): Promise<Set<string>> {
    const keys = new Map<string, string>();
    const asked = new Set<string>();
    // An address that can't be looked up counts as suppressed.
    const suppressed = new Set<string>();
    const turns = new Turns();
    for (const address of addresses) {
      if (turns.isOver()) await turns.next();
      const key = this.#keyToLookUp(address);
      if (key === undefined) suppressed.add(address);
      if (key === undefined || key === null) continue;
      keys.set(address, key);
      asked.add(key);
    }
    const found = await findSuppressedKeys(this.session, [...asked]);
    for (const [address, key] of keys) {
      if (turns.isOver()) await turns.next();
      if (found.has(key)) suppressed.add(address);
    }
    return suppressed;
  }

  /**
   * Puts an address on the list; if it is there, nothing changes.
   *
   * @param reason cut to one line of 255 characters.
   * @throws SuppressionAddressError if it is not exactly one address; AddressNormalizerError if the host's normalizer fails; DroppedRowError if the
   *   database drops the row; other errors of the database.
   */
  async suppress(address: string, reason: string): Promise<void> {
    const mailbox = parseRecipient(address);
    if (!mailbox) throw new SuppressionAddressError(address);
    // Cut by code points: half of a surrogate pair is no text.
    const read = cutText(reason, 4 * MAX_SUPPRESSION_REASON);
    const shortReason = Array.from(toOneLine(read)).slice(0, MAX_SUPPRESSION_REASON).join('');
    const key = this.keyOf(mailbox.address);
    const { numRows } = await insertSuppression(this.session, key, mailbox.address, shortReason);
    // No row was inserted: make sure that the address is on the list before the caller is told so.
    if (numRows === 0 && (await this.findSuppressed([address])).size === 0)
      throw new DroppedRowError('dps_mail_suppression');
  }

  /**
   * Takes an address off the list; harmless if it is not there.
   *
   * @throws AddressNormalizerError if the host's normalizer fails; errors of the database.
   */
  async release(address: string): Promise<void> {
    const key = this.#keyOf(address);
    if (key === null) return;
    await deleteSuppression(this.session, key);
  }

  /** As `#keyOf`; undefined if the host's normalizer fails. */
  #keyToLookUp(address: string): string | null | undefined {
    try {
      return this.#keyOf(address);
    } catch (error) {
      if (error instanceof AddressNormalizerError) return undefined;
      throw error;
    }
  }

  /** Null for a text that is no address, and so can't be on the list. */
  #keyOf(address: string): string | null {
    const mailbox = parseRecipient(address);
    return mailbox && this.keyOf(mailbox.address);
  }
}
