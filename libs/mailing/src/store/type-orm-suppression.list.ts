import { parseMailbox, type KeyOf, toOneLine } from '../model/email-address.js';
import { LONGEST_SUPPRESSION_REASON } from '../model/mail-suppression.entity.js';
import { SuppressionAddressError } from '../model/suppression.errors.js';
import type { SuppressionList } from '../model/suppression-list.js';
import type { Session } from './mailing.database.js';
import { placeholders } from './statements/placeholders.js';

const KEYS_PER_STATEMENT = 1_000;

/**
 * The default suppression list: a table beside those of the mailings, found by the key of the address, so that letter case and the spelling
 * of the domain do not matter. Each method is one statement; the first reason of an address stays.
 */
export class TypeOrmSuppressionList implements SuppressionList {
  constructor(
    private readonly session: Session,
    private readonly keyOf: KeyOf,
  ) {}

  async findSuppressed(addresses: string[]): Promise<Set<string>> {
    const keys = new Map<string, string>();
    for (const address of addresses) {
      const key = this.#keyOf(address);
      if (key !== null) keys.set(address, key);
    }
    const asked = [...new Set(keys.values())];
    const found = new Set<string>();
    for (let first = 0; first < asked.length; first += KEYS_PER_STATEMENT) {
      const chunk = asked.slice(first, first + KEYS_PER_STATEMENT);
      const rows = await this.session.rows<{ address_key: string }>(
        `SELECT address_key FROM ${this.session.tables.mailSuppression} WHERE address_key IN (${placeholders(chunk)})`,
        chunk,
      );
      for (const row of rows) found.add(row.address_key);
    }
    return new Set([...keys].flatMap(([address, key]) => (found.has(key) ? [address] : [])));
  }

  async suppress(address: string, reason: string): Promise<void> {
    const mailbox = parseMailbox(address);
    if (!mailbox) throw new SuppressionAddressError(address);
    const { dialect, tables } = this.session;
    // By letters, not by halves of them: a cut one would be no text any more.
    const shortReason = Array.from(toOneLine(String(reason).slice(0, 4 * LONGEST_SUPPRESSION_REASON)))
      .slice(0, LONGEST_SUPPRESSION_REASON)
      .join('');
    await this.session.change(
      dialect.insertIgnore(
        `${tables.mailSuppression} (address_key, address, reason, created_at)`,
        `(?, ?, ?, ${dialect.now})`,
      ),
      [this.keyOf(mailbox.address), mailbox.address, shortReason],
    );
  }

  async release(address: string): Promise<void> {
    const key = this.#keyOf(address);
    if (key === null) return;
    await this.session.change(`DELETE FROM ${this.session.tables.mailSuppression} WHERE address_key = ?`, [
      key,
    ]);
  }

  /** Null for what is no address, and so can't be on the list. */
  #keyOf(address: string): string | null {
    const mailbox = parseMailbox(address);
    return mailbox && this.keyOf(mailbox.address);
  }
}
